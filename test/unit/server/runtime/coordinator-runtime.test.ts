import { afterEach, describe, expect, it } from 'vitest';
import type { LeaseGrant } from '../../../../server/core/effect-values.ts';
import type { CoordinatorRuntime } from '../../../../server/runtime/coordinator-runtime.ts';
import { asBlobHash, asWorkerId } from '../../../../shared/base/ids.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { dataset, hashOf, jobId, submission } from '../core/fixtures.ts';
import { type ClusterMember, startCluster, until } from './runtime-cluster.ts';

const initial = Float32Array.of(1, 2, 3);
const shard = new Uint8Array(400).fill(7);
const workerId = asWorkerId('worker');
const determinismClass = { engine: 'cpu', build: '1' };
const rules = {
  evaluation: { everyRounds: 1, samplesMax: 0, batchSize: 1 },
  unitsPerRound: 2,
  stop: { rounds: 99 },
};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function cluster() {
  const started = await startCluster(['a', 'b', 'c']);
  stops.push(started.stop);
  const [a, b, c] = started.members as [ClusterMember, ClusterMember, ClusterMember];
  return { ...started, a, b, c };
}

/** An admin uploads a data set and a job. */
async function submit({ runtime, blobs }: ClusterMember): Promise<void> {
  const keep = (bytes: Uint8Array) => {
    const hash = blobs.put(bytes);
    runtime.blobs.keep(hash);
    return hash;
  };
  const split = { shards: [{ hash: keep(shard), count: 100, bytes: 400 }], count: 100 };
  const registered = { ...dataset, train: split, test: split };
  await runtime.request({ kind: 'datasetRegistered', dataset: registered, atMs: 0 });
  const initialParametersHash = keep(bytesOf(initial));
  await runtime.request({ ...submission(rules), dataset: registered, initialParametersHash });
}

async function lease({ call }: CoordinatorRuntime): Promise<LeaseGrant> {
  const answer = await call((ref) => ({ kind: 'leaseRequested', call: ref, workerId, pollMs: 10_000 }))
    .answer;
  if (answer.kind !== 'answerLease' || answer.lease === undefined) throw new Error('Expected a lease.');
  return answer.lease;
}

/** One worker computes whole rounds up to `version`. */
async function train({ runtime }: ClusterMember, version: number): Promise<void> {
  const { call } = runtime;
  const worker = { workerId, name: 'w', home: 'node', role: 'worker', determinismClass, device: '' } as const;
  await call((ref) => ({ kind: 'workerRegistered', call: ref, ...worker })).answer;
  for (;;) {
    const granted = await lease(runtime);
    if (granted.version >= version) break;
    const { leaseId, round, unit, epoch, sampleCount: samples } = granted;
    const payload = bytesOf(Float32Array.of(unit, round, 1)).slice();
    const content = { manifestHash: hashOf('manifest'), codec: 'float32', length: 3, samples, payload };
    await call((ref) => ({
      kind: 'contributionReceived',
      call: ref,
      workerId,
      jobId,
      leaseId,
      round,
      unit,
      version: granted.version,
      epoch,
      ...content,
      loss: 1,
      computeMs: 1,
      determinismClass,
    })).answer;
  }
}

const hashAt = ({ runtime }: ClusterMember) => runtime.state.replicated.jobs.get(jobId)?.parametersHash;
const isAt = (version: number) => (member: ClusterMember) =>
  member.runtime.state.replicas.get(jobId)?.version === version;
const aggregatesOf = ({ runtime }: ClusterMember) =>
  runtime.state.replicated.jobs.get(jobId)?.aggregates.map(({ aggregateHash }) => aggregateHash) ?? [];

describe('three coordinators', () => {
  it('hold the same training, and any of them goes on with it', async () => {
    const { log, members, a, b } = await cluster();
    await submit(a);
    await train(a, 3);
    await until(() => members.every(isAt(3)));
    expect(new Set(members.map(hashAt)).size).toBe(1);
    log.elect('b');
    await until(() => b.runtime.state.epoch !== undefined);
    expect(b.runtime.state.runs.get(jobId)?.isOpen).toBe(true);
    await train(b, 5);
    await until(() => members.every(isAt(5)));
    expect(new Set(members.map(hashAt)).size).toBe(1);
    expect(members.flatMap(({ fatal }) => fatal)).toEqual([]);
  });

  it('each have every blob, and remove what a checkpoint has released', async () => {
    const { members, a } = await cluster();
    await submit(a);
    await train(a, 7);
    const isSame = () => {
      const named = new Set(aggregatesOf(a));
      const stored = members.map(({ blobs }) => JSON.stringify(blobs.list()));
      return named.size < 7 && new Set(stored).size === 1 && members.every(isAt(7));
    };
    await until(isSame);
    expect(members.map(({ runtime }) => runtime.blobs.missing)).toEqual([0, 0, 0]);
  });

  it('commit nothing whose blobs are on a minority, and everything when another one is back', async () => {
    const { a, b, c } = await cluster();
    b.isReachable = false;
    c.isReachable = false;
    const submitted = submit(a);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(a.runtime.state.replicated.datasets.size).toBe(0);
    b.isReachable = true;
    await submitted;
    expect(b.runtime.state.replicated.jobs.size).toBe(1);
    expect(c.blobs.list()).toEqual([]);
    c.isReachable = true;
    c.runtime.blobs.peersChanged();
    await until(() => c.runtime.blobs.missing === 0 && isAt(0)(c));
    expect(c.blobs.list()).toEqual(b.blobs.list());
  });

  it('refuse a change whose leader is deposed while its blobs are on their way', async () => {
    const { log, a, b, c } = await cluster();
    b.isReachable = false;
    c.isReachable = false;
    const submitted = submit(a);
    log.elect('b');
    await expect(submitted).rejects.toMatchObject({ code: 'notLeader' });
  });
});

describe('a coordinator', () => {
  it('fetches a shard that it lacks for who asks for it', async () => {
    const { a, b } = await cluster();
    await submit(a);
    await until(() => isAt(0)(b));
    const hash = b.blobs.put(shard);
    b.blobs.delete(hash);
    await Promise.all([b.runtime.blobs.fetchIfMissing(hash), b.runtime.blobs.fetchIfMissing(hash)]);
    expect(b.blobs.get(hash)).toEqual(shard);
    await expect(b.runtime.blobs.fetchIfMissing(hashOf('nowhere'))).rejects.toMatchObject({
      code: 'notFound',
    });
  });

  it('stores for the newest leader only, and only what the name says', async () => {
    const { b } = await cluster();
    const { storeForLeader } = b.runtime.blobs;
    const hash = b.blobs.put(shard);
    b.runtime.post({ kind: 'committed', index: 50, epoch: 2, command: revocation });
    expect(() => storeForLeader(hash, shard, 1)).toThrow('is over');
    expect(() => storeForLeader(asBlobHash(hashOf('other')), shard, 2)).toThrow(hash);
    storeForLeader(hash, shard, 2);
    expect(b.runtime.state.claims.has(hash)).toBe(true);
  });

  it('alone commits without a word to anybody', async () => {
    const { members, stop } = await startCluster(['a']);
    stops.push(stop);
    const [alone] = members as [ClusterMember];
    await submit(alone);
    await train(alone, 3);
    expect(alone.runtime.state.replicated.jobs.get(jobId)?.version).toBe(3);
  });
});

const revocation = { kind: 'tokenRevoked', tokenId: 'none', atMs: 0 } as const;

describe('one that leads at once', () => {
  it('removes what a crash left behind, and keeps what an admin stores for a command to come', async () => {
    const orphan = new Uint8Array(9).fill(5);
    const { members, stop } = await startCluster(['alone'], [orphan]);
    stops.push(stop);
    const [{ runtime, blobs }] = members as [ClusterMember];
    await until(() => blobs.list().length === 0);
    const kept = blobs.put(shard);
    runtime.blobs.keep(kept);
    await runtime.request({
      kind: 'tokenCreated',
      tokenId: 't',
      name: 'n',
      role: 'admin',
      tokenHash: asBlobHash(hashOf('token')),
      atMs: 0,
    });
    expect(blobs.list()).toEqual([kept]);
  });
});
