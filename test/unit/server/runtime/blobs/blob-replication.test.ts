import { describe, expect, it } from 'vitest';
import { createBlobReplication } from '../../../../../server/runtime/blobs/blob-replication.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import type { BlobHash } from '../../../../../shared/base/ids.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { hashOf } from '../../core/fixtures.ts';
import { ManualTimers } from './manual-timers.ts';

interface Push {
  readonly to: string;
  readonly hash: BlobHash;
  readonly epoch: number;
  readonly done: (error?: GradswarmError) => void;
  isCancelled: boolean;
}

const away = new GradswarmError('unavailable', 'away');
const [one, two] = [hashOf('one'), hashOf('two')];

function bench(...voters: readonly string[]) {
  const timers = new ManualTimers();
  const pushes: Push[] = [];
  const cluster = { voters: [...voters], outgoing: [] as string[] };
  const replication = createBlobReplication({
    self: 'a',
    configuration: () => ({ ...cluster, learners: ['learner'], learnersNext: [], addresses: {} }),
    push(to, hash, epoch, done) {
      const push: Push = { to, hash, epoch, done, isCancelled: false };
      pushes.push(push);
      return () => {
        push.isCancelled = true;
      };
    },
    timers,
  });
  replication.lead(1);
  const outcomes: (string | undefined)[] = [];
  return {
    timers,
    pushes,
    cluster,
    replication,
    outcomes,
    secure: (...hashes: readonly BlobHash[]) =>
      replication.secure(hashes, (error) => outcomes.push(error?.code ?? 'secured')),
    /** Ends the newest push of the blob to this coordinator. */
    answer(to: string, hash: BlobHash, error?: GradswarmError) {
      const push = pushes.findLast((each) => each.to === to && each.hash === hash);
      if (push === undefined || push.isCancelled) throw new Error(`Nothing is on its way to ${to}.`);
      push.done(error);
    },
    sent: () => pushes.map(({ to, hash }) => `${hash === one ? 'one' : 'two'} to ${to}`),
  };
}

describe('a command', () => {
  it('passes at once where this coordinator is alone', () => {
    const { secure, outcomes, pushes, timers } = bench('a');
    secure(one, two);
    expect(outcomes).toEqual(['secured']);
    expect(pushes).toEqual([]);
    expect(timers.waiting).toBe(0);
  });

  it('passes when each of its blobs is on a majority, whoever that is', () => {
    const { secure, outcomes, answer, sent } = bench('a', 'b', 'c');
    secure(one, two);
    expect(sent()).toEqual(['one to b', 'one to c', 'two to b', 'two to c']);
    answer('b', one);
    expect(outcomes).toEqual([]);
    answer('c', two);
    expect(outcomes).toEqual(['secured']);
    answer('c', one);
    answer('b', two);
    expect(outcomes).toEqual(['secured']);
  });

  it('needs both majorities of a joint configuration', () => {
    const { secure, outcomes, answer, cluster } = bench('a', 'b', 'c');
    cluster.outgoing = ['a', 'd', 'e'];
    secure(one);
    answer('b', one);
    answer('c', one);
    expect(outcomes).toEqual([]);
    answer('e', one);
    expect(outcomes).toEqual(['secured']);
  });

  it('finds on their way what was begun before, and passes at once when that has arrived', () => {
    const { secure, outcomes, answer, replication, sent } = bench('a', 'b', 'c');
    replication.begin([one], true);
    answer('c', one);
    secure(one);
    expect(outcomes).toEqual(['secured']);
    expect(sent()).toEqual(['one to b', 'one to c']);
  });

  it('has its blobs sent anew, although an earlier one named the same', () => {
    const { secure, answer, sent, outcomes } = bench('a', 'b', 'c');
    secure(one);
    answer('b', one);
    secure(one);
    expect(sent().slice(2)).toEqual(['one to b', 'one to c']);
    answer('b', one);
    expect(outcomes).toEqual(['secured', 'secured']);
  });
});

describe('a coordinator that cannot be reached', () => {
  it('is asked again, less and less often, while it is needed', () => {
    const { secure, answer, timers, pushes, outcomes } = bench('a', 'b');
    secure(one);
    for (let delayMs: number = limits.blobPushRetryMsMin; delayMs < 1_000; delayMs *= 2) {
      const before = pushes.length;
      answer('b', one, away);
      timers.pass(delayMs - 1);
      expect(pushes.length).toBe(before);
      timers.pass(1);
      expect(pushes.length).toBe(before + 1);
    }
    answer('b', one);
    expect(outcomes).toEqual(['secured']);
  });

  it('is left alone once the blob is on a majority: it will fetch it', () => {
    const { secure, answer, timers, pushes } = bench('a', 'b', 'c');
    secure(one);
    answer('b', one);
    answer('c', one, away);
    timers.pass(60_000);
    expect(pushes).toHaveLength(2);
    expect(timers.waiting).toBe(0);
  });

  it('delays nothing when it leaves the cluster', () => {
    const { secure, timers, cluster, outcomes } = bench('a', 'b');
    secure(one);
    cluster.voters = ['a'];
    timers.pass(limits.blobQuorumCheckMs);
    expect(outcomes).toEqual(['secured']);
  });

  it('gets what waits when it joins the cluster', () => {
    const { secure, timers, cluster, sent, answer, outcomes } = bench('a', 'b', 'c');
    secure(one);
    cluster.voters = ['a', 'd'];
    timers.pass(limits.blobQuorumCheckMs);
    expect(sent()).toContain('one to d');
    answer('d', one);
    expect(outcomes).toEqual(['secured']);
  });
});

describe('a lane', () => {
  it('carries a few blobs at once, urgent ones first', () => {
    const { replication, pushes } = bench('a', 'b', 'c');
    const bulk = Array.from({ length: 6 }, (_, index) => hashOf(`bulk ${index}`));
    replication.begin(bulk, false);
    replication.begin([one], true);
    const toB = () => pushes.filter(({ to }) => to === 'b');
    expect(toB().map(({ hash }) => hash)).toEqual(bulk.slice(0, limits.blobPushesPerPeerMax));
    toB()[0]?.done();
    expect(toB().at(-1)?.hash).toBe(one);
  });

  it('gives up the oldest blobs that are on a majority where too many wait', () => {
    const { secure, replication, pushes } = bench('a', 'b', 'c');
    const hashes = Array.from({ length: 40 }, (_, index) => hashOf(`blob ${index}`));
    replication.begin(hashes, false);
    secure(...hashes);
    for (let sent = 0; sent < pushes.length; sent++) {
      const push = pushes[sent];
      if (push?.to === 'b') push.done();
    }
    const first = pushes.filter(({ to }) => to === 'c');
    for (let sent = 0; sent < pushes.length; sent++) if (pushes[sent]?.to === 'c') pushes[sent]?.done();
    const toC = pushes.filter(({ to }) => to === 'c').length;
    expect(toC - first.length).toBe(limits.blobPushBacklogMax);
  });
});

describe('the end of leadership', () => {
  it('refuses what waits for want of leadership, and cancels what is on its way', () => {
    const { secure, replication, outcomes, pushes, timers } = bench('a', 'b', 'c');
    secure(one);
    secure(two);
    replication.rest();
    expect(outcomes).toEqual(['notLeader', 'notLeader']);
    expect(pushes.every(({ isCancelled }) => isCancelled)).toBe(true);
    expect(timers.waiting).toBe(0);
    secure(one);
    expect(outcomes).toHaveLength(3);
  });

  it('forgets who holds what: the next epoch asks anew', () => {
    const { secure, replication, answer, outcomes, pushes } = bench('a', 'b', 'c');
    replication.begin([one], true);
    answer('b', one);
    replication.lead(2);
    secure(one);
    expect(outcomes).toEqual([]);
    expect(pushes.slice(2).map(({ epoch }) => epoch)).toEqual([2, 2]);
  });
});

it('forgets blobs that nothing names any more', () => {
  const { replication, pushes, secure, answer, outcomes } = bench('a', 'b', 'c');
  replication.begin([one], true);
  secure(two);
  replication.forget([one, two]);
  expect(pushes.filter(({ isCancelled }) => isCancelled).map(({ hash }) => hash)).toEqual([one, one]);
  answer('c', two);
  expect(outcomes).toEqual(['secured']);
});
