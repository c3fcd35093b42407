import { describe, expect, it } from 'vitest';
import { BenchCoordinator } from './bench-coordinator.ts';
import { checkpointCommitted, dataset, hashOf, jobId, roundCommitted, submission } from './fixtures.ts';

const rules = {
  evaluation: { everyRounds: 1, samplesMax: 0, batchSize: 1 },
  unitsPerRound: 1,
  stop: { rounds: 9 },
  checkpoint: { everyRounds: 1 },
};
const removed = (bench: BenchCoordinator) => bench.take('removeBlobs').flatMap(({ hashes }) => hashes);

describe('a leader', () => {
  it('removes what a checkpoint releases as soon as it is applied', () => {
    const bench = BenchCoordinator.withJob(rules);
    bench.register('a');
    const lease = bench.lease('a');
    if (lease !== undefined) bench.finish('a', lease);
    bench.settle();
    expect(removed(bench)).toEqual([hashOf('a0')]);
  });

  it('removes the aggregate of a round that was stored and given up', () => {
    const bench = BenchCoordinator.withJob(rules);
    bench.register('a');
    const lease = bench.lease('a');
    if (lease !== undefined) bench.finish('a', lease);
    bench.settle(({ kind }) => kind === 'storeRound');
    bench.post({ kind: 'lostLeadership' });
    const stored = { aggregateHash: hashOf('a0'), parametersHash: hashOf('v1'), finite: true };
    bench.post({ kind: 'roundStored', jobId, round: 0, ...stored });
    expect(removed(bench)).toEqual([hashOf('a0')]);
  });

  it('keeps the aggregate while the log may still take the round, until the next epoch', () => {
    const bench = BenchCoordinator.withJob(rules);
    bench.register('a');
    const lease = bench.lease('a');
    if (lease !== undefined) bench.finish('a', lease);
    bench.settle(({ kind }) => kind === 'propose');
    bench.post({ kind: 'lostLeadership' });
    expect(removed(bench)).toEqual([]);
    bench.epoch += 1;
    bench.commit({ kind: 'tokenRevoked', tokenId: 'none', atMs: 0 });
    expect(removed(bench)).toEqual([hashOf('a0')]);
  });
});

describe('a follower', () => {
  it('removes what was released, and nothing that a job still names', () => {
    const bench = BenchCoordinator.following(rules);
    for (const command of [roundCommitted(0), checkpointCommitted(1), roundCommitted(1)])
      bench.commit(command);
    bench.settle();
    expect(removed(bench)).toEqual([hashOf('a0')]);
    bench.commit(checkpointCommitted(2));
    expect(removed(bench)).toEqual([hashOf('c1'), hashOf('p1'), hashOf('a1')]);
  });

  it('waits until its replica has read what it needs', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.commit(checkpointCommitted(1));
    expect(removed(bench)).toEqual([]);
    bench.settle();
    expect(bench.replica.version).toBe(1);
    expect(removed(bench)).toEqual([hashOf('a0')]);
  });

  it('keeps what a leader has stored here for a command that may come, until an entry of the next epoch', () => {
    const bench = BenchCoordinator.following(rules);
    bench.post({ kind: 'blobStored', epoch: bench.epoch, hash: hashOf('a0') });
    bench.post({ kind: 'blobStored', epoch: bench.epoch + 1, hash: hashOf('other') });
    bench.commit({ kind: 'tokenRevoked', tokenId: 'none', atMs: 0 });
    expect(removed(bench)).toEqual([]);
    bench.epoch += 1;
    bench.commit({ kind: 'tokenRevoked', tokenId: 'none', atMs: 0 });
    expect(removed(bench)).toEqual([hashOf('a0')]);
  });

  it('keeps a blob of a refused round: its leader may be storing the round again', () => {
    const bench = BenchCoordinator.following(rules);
    bench.post({ kind: 'blobStored', epoch: bench.epoch, hash: hashOf('a0') });
    bench.commit({ kind: 'jobStateChanged', jobId, state: 'paused', reason: '', atMs: 0 });
    bench.commit(roundCommitted(0));
    expect(removed(bench)).toEqual([]);
    bench.commit({ kind: 'jobStateChanged', jobId, state: 'running', reason: '', atMs: 0 });
    bench.commit(roundCommitted(0));
    bench.settle();
    expect(bench.replica.version).toBe(1);
    expect(removed(bench)).toEqual([]);
  });

  it('is not confused by an aggregate that comes after its round', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.post({ kind: 'blobStored', epoch: bench.epoch, hash: hashOf('a0') });
    bench.settle();
    bench.commit(checkpointCommitted(1));
    expect(removed(bench)).toEqual([hashOf('a0')]);
  });

  it('keeps what another leader counts on, although its own round of those bits came to nothing', () => {
    const bench = BenchCoordinator.withJob(rules);
    bench.post({ kind: 'lostLeadership' });
    bench.post({ kind: 'blobStored', epoch: bench.epoch + 1, hash: hashOf('a0') });
    const stored = { aggregateHash: hashOf('a0'), parametersHash: hashOf('v1'), finite: true };
    bench.post({ kind: 'roundStored', jobId, round: 0, ...stored });
    expect(removed(bench)).toEqual([]);
  });
});

describe('a start', () => {
  const started = (blobs: readonly string[]) => {
    const bench = new BenchCoordinator();
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    for (const command of [submission(rules), roundCommitted(0), checkpointCommitted(1), roundCommitted(1)])
      bench.commit(command);
    expect(removed(bench)).toEqual([]);
    expect(bench.state.replicas.size).toBe(0);
    bench.post({ kind: 'caughtUp', epoch: bench.epoch, blobs: blobs.map(hashOf) });
    return bench;
  };

  it('removes what the replayed commands released, not what a later one named', () => {
    expect(removed(started(['v0', 'train', 'test', 'c1', 'p1', 'a0', 'a1']))).toEqual([hashOf('a0')]);
  });

  it('keeps what no command names until it is known that none will', () => {
    const follower = started(['v0', 'train', 'test', 'c1', 'p1', 'a1', 'orphan']);
    expect(follower.state.claims.has(hashOf('orphan'))).toBe(true);
    follower.take('removeBlobs');
    follower.post({ kind: 'becameLeader', epoch: follower.epoch + 1 });
    expect(removed(follower)).toEqual([hashOf('orphan')]);
  });

  it('keeps what a leader stores here before the past is applied', () => {
    const bench = new BenchCoordinator();
    bench.post({ kind: 'blobStored', epoch: bench.epoch + 1, hash: hashOf('a0') });
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    bench.post({ kind: 'caughtUp', epoch: bench.epoch, blobs: [hashOf('a0')] });
    bench.epoch += 1;
    bench.commit(submission(rules));
    expect(removed(bench)).toEqual([]);
    bench.commit(roundCommitted(0));
    expect(bench.state.claims.has(hashOf('a0'))).toBe(false);
  });

  it('asks for what is named and not there, the data last', () => {
    const [first] = started(['v0', 'train', 'a1']).take('fetchBlobs');
    expect(first).toEqual({
      kind: 'fetchBlobs',
      hashes: [hashOf('c1'), hashOf('p1'), hashOf('test')],
      isExpected: false,
    });
  });
});
