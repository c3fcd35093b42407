import { describe, expect, it } from 'vitest';
import type { LeaseGrant, RingTold } from '../../../../server/core/effect-values.ts';
import type { RingReported } from '../../../../server/core/events.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { RingIdentity } from '../../../../shared/sync/ring/ring-message.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId, workerIdOf } from './fixtures.ts';

const hash = hashOf('sum');

/** A job of four units in a ring, and its members by name. */
function ringOf(...names: readonly string[]): BenchCoordinator {
  const bench = BenchCoordinator.withJob({
    strategy: { kind: 'ringAllReduce' },
    evaluation: { everyRounds: 1, samplesMax: 0, batchSize: 1 },
    stop: { rounds: 100 },
  });
  for (const name of names) bench.register(name, { ringChannels: ['relay'] });
  return bench;
}

function hold(bench: BenchCoordinator, name: string, lease: LeaseGrant, norm = 1) {
  const { ringId = 0 } = lease;
  return bench.post(bench.contribution(name, lease, { ringId, norm, payload: new Uint8Array(0) }));
}

/** Everyone holds a unit in turn until all are counted; returns who holds what. */
function holdAll(bench: BenchCoordinator, ...names: readonly string[]): Record<string, number[]> {
  const held: Record<string, number[]> = {};
  for (let turn = 0; ; turn++) {
    const name = names[turn % names.length] ?? '';
    const lease = bench.lease(name, 0);
    if (lease === undefined) return held;
    hold(bench, name, lease);
    held[name] = [...(held[name] ?? []), lease.unit];
  }
}

function told(bench: BenchCoordinator): { readonly to: readonly string[]; readonly told: RingTold }[] {
  return bench.take('tellRing').map((effect) => ({ to: effect.workerIds, told: effect.told }));
}

const ids = (...names: readonly string[]) => names.map(workerIdOf);

function report(
  bench: BenchCoordinator,
  name: string,
  identity: RingIdentity,
  more: Partial<RingReported> = {},
) {
  const call = bench.call();
  const workerId = workerIdOf(name);
  const figures = { hash, bytesPerSecond: 1_000, refused: 0 };
  return bench.post({ kind: 'ringReported', call, workerId, jobId, identity, ...figures, ...more });
}

function handIn(bench: BenchCoordinator, name: string, identity: RingIdentity, sumHash: string = hash) {
  const payload = new Uint8Array(4);
  const sum = { call: bench.call(), workerId: workerIdOf(name), jobId, identity, hash: sumHash, payload };
  return bench.post({ kind: 'ringUploaded', ...sum });
}

/** The trainer takes what was handed in. */
function merge(bench: BenchCoordinator): void {
  for (const { round, ringEpoch, workerId } of bench.take('mergeSum')) {
    const outcome = { accepted: true, norm: 1 } as const;
    bench.post({ kind: 'ringSumMerged', jobId, round, ringEpoch, workerId, outcome });
  }
}

const codes = (bench: BenchCoordinator) => bench.take('refuse').map(({ code }) => code);

function planOf(bench: BenchCoordinator): Extract<RingTold, { kind: 'plan' }> {
  const plans = told(bench).flatMap((item) => (item.told.kind === 'plan' ? [item.told] : []));
  const plan = plans.at(-1);
  if (plan === undefined) throw new Error('Expected a plan.');
  return plan;
}

describe('a round in a ring', () => {
  it('is offered to workers that can be members, when there are two', () => {
    const bench = ringOf('a');
    expect(bench.lease('a')?.ringId).toBeUndefined();
    bench.register('b');
    expect(bench.lease('b')?.ringId).toBeUndefined();
    bench.register('c', { ringChannels: ['relay'] });
    expect(bench.lease('c')?.ringId).toBeGreaterThan(0);
  });

  it('ends with one sum, of which all members tell the same hash', () => {
    const bench = ringOf('a', 'b');
    const held = holdAll(bench, 'a', 'b');
    const plan = planOf(bench);
    expect(plan.members).toEqual([
      { workerId: workerIdOf('a'), units: held['a']?.toSorted() },
      { workerId: workerIdOf('b'), units: held['b']?.toSorted() },
    ]);
    expect(plan.weight).toBe(4);
    report(bench, 'a', plan.identity);
    expect(told(bench)).toEqual([]);
    report(bench, 'b', plan.identity);
    expect(told(bench)).toMatchObject([{ to: ids('a'), told: { kind: 'upload', units: [] } }]);
    expect(bench.take('storeRound')).toEqual([]);
    handIn(bench, 'a', plan.identity);
    expect(bench.effects.filter(({ kind }) => kind === 'mergeSum')).toMatchObject([
      { weight: 4, hash, normMax: 100 },
    ]);
    merge(bench);
    expect(bench.take('storeRound')).toMatchObject([{ round: 0, weight: 4 }]);
    expect(codes(bench)).toEqual([]);
  });

  it('adds the ring to what other workers sent themselves', () => {
    const bench = ringOf('a', 'b');
    bench.register('c');
    const lease = bench.lease('c');
    if (lease !== undefined) bench.finish('c', lease);
    bench.settle();
    holdAll(bench, 'a', 'b');
    const plan = planOf(bench);
    expect(plan.weight).toBe(3);
    for (const name of ['a', 'b']) report(bench, name, plan.identity);
    handIn(bench, 'a', plan.identity);
    merge(bench);
    expect(bench.take('storeRound')).toMatchObject([{ weight: 4 }]);
  });

  it('asks a lone holder for its own sum', () => {
    const bench = ringOf('a', 'b');
    const held = holdAll(bench, 'a');
    const [asked] = told(bench);
    expect(asked).toMatchObject({ to: ids('a'), told: { kind: 'upload', units: held['a']?.toSorted() } });
    if (asked !== undefined) handIn(bench, 'a', asked.told.identity, hashOf('own'));
    merge(bench);
    expect(bench.take('storeRound')).toMatchObject([{ weight: 4 }]);
  });
});

describe('a loss in a ring', () => {
  it('begins a new ring epoch over the survivors, when the lost units are there again', () => {
    const bench = ringOf('a', 'b', 'c');
    const held = holdAll(bench, 'a', 'b', 'c');
    const first = planOf(bench);
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('b') });
    expect(told(bench)).toMatchObject([{ told: { kind: 'over' } }]);
    expect(bench.run.round?.counted).toHaveLength(4 - (held['b']?.length ?? 0));
    const again = holdAll(bench, 'c');
    expect(again['c']?.toSorted()).toEqual(held['b']?.toSorted());
    const second = planOf(bench);
    expect(second.identity.ringEpoch).toBe(first.identity.ringEpoch + 1);
    expect(second.members.map(({ workerId }) => workerId)).toEqual(ids('a', 'c'));
    report(bench, 'a', first.identity);
    expect(codes(bench)).toEqual(['staleRing']);
  });

  it('drops members that say nothing until the deadline, and keeps those that wait', () => {
    const bench = ringOf('a', 'b', 'c');
    holdAll(bench, 'a', 'b', 'c');
    const plan = planOf(bench);
    report(bench, 'a', plan.identity);
    report(bench, 'b', plan.identity, { failure: 'unavailable', hash: '' });
    bench.nowMs += plan.deadlineMs;
    for (const name of ['a', 'b', 'c'])
      bench.post({ kind: 'heartbeat', workerId: workerIdOf(name), samplesPerSecond: 1 });
    bench.post({ kind: 'tick' });
    expect([...(bench.run.round?.ring?.held.keys() ?? [])]).toEqual(ids('a', 'b'));
  });

  it('asks another member for the sum when the first is gone, and loses no unit', () => {
    const bench = ringOf('a', 'b');
    holdAll(bench, 'a', 'b');
    const plan = planOf(bench);
    for (const name of ['a', 'b']) report(bench, name, plan.identity);
    told(bench);
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('a') });
    expect(told(bench)).toMatchObject([{ to: ids('b'), told: { kind: 'upload' } }]);
    handIn(bench, 'b', plan.identity);
    merge(bench);
    expect(bench.take('storeRound')).toMatchObject([{ weight: 4 }]);
  });

  it('counts nothing twice when a sender leaves while the trainer adds its own sum', () => {
    const bench = ringOf('a', 'b');
    holdAll(bench, 'a');
    const [asked] = told(bench);
    if (asked !== undefined) handIn(bench, 'a', asked.told.identity);
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('a') });
    expect(bench.run.round?.counted).toHaveLength(4);
    merge(bench);
    expect(bench.take('storeRound')).toMatchObject([{ weight: 4 }]);
  });

  it('asks every holder for its own sum after too many failures', () => {
    const bench = ringOf('a', 'b');
    holdAll(bench, 'a', 'b');
    for (let failure = 0; failure < limits.ringEpochsMax; failure++) {
      const plan = planOf(bench);
      report(bench, 'b', plan.identity, { failure: 'checksumMismatch', hash: '' });
    }
    const asked = told(bench).filter((item) => item.told.kind === 'upload');
    expect(asked.flatMap(({ to }) => to)).toEqual(ids('a', 'b'));
    for (const { to, told: upload } of asked) {
      handIn(bench, to[0] === workerIdOf('a') ? 'a' : 'b', upload.identity);
    }
    merge(bench);
    expect(bench.take('storeRound')).toMatchObject([{ weight: 4 }]);
    expect(bench.run.refused).toBe(limits.ringEpochsMax);
  });

  it('is void with its round', () => {
    const bench = ringOf('a', 'b');
    const lease = bench.lease('a');
    bench.commit({ kind: 'jobStateChanged', jobId, state: 'paused', reason: '', atMs: 0 });
    bench.commit({ kind: 'jobStateChanged', jobId, state: 'running', reason: '', atMs: 0 });
    bench.settle();
    const next = bench.lease('b');
    expect(next?.ringId).not.toBe(lease?.ringId);
    if (next !== undefined) hold(bench, 'b', { ...next, ringId: lease?.ringId ?? 0 });
    expect(codes(bench)).toEqual(['wrongRound']);
  });
});

describe('channels between members', () => {
  const direct = { ringChannels: ['relay', 'webrtc'] };

  function directRing(...names: readonly string[]): BenchCoordinator {
    const bench = ringOf();
    for (const name of names) bench.register(name, direct);
    return bench;
  }

  function heartbeat(bench: BenchCoordinator, name: string, ringChannels: readonly string[]): void {
    bench.post({ kind: 'heartbeat', workerId: workerIdOf(name), samplesPerSecond: 1, ringChannels });
  }

  /** The members agree, and the round is committed. */
  function finishRound(
    bench: BenchCoordinator,
    names: readonly string[],
    { identity } = planOf(bench),
  ): void {
    for (const name of names) report(bench, name, identity);
    const asked = told(bench).find((item) => item.told.kind === 'upload');
    handIn(bench, names.find((name) => workerIdOf(name) === asked?.to[0]) ?? '', identity);
    merge(bench);
    bench.settle();
  }

  it('are used where every member offers them, with time to open them', () => {
    const all = directRing('a', 'b');
    holdAll(all, 'a', 'b');
    const plan = planOf(all);
    expect(plan.channel).toBe('webrtc');
    const mixed = directRing('a');
    mixed.register('b', { ringChannels: ['relay'] });
    holdAll(mixed, 'a', 'b');
    const relayed = planOf(mixed);
    expect(relayed.channel).toBe('relay');
    expect(plan.deadlineMs).toBe(relayed.deadlineMs + limits.ringConnectTimeoutMs);
  });

  it('give way to the coordinator at once where two members find none, without fault or loss', () => {
    const bench = directRing('a', 'b');
    holdAll(bench, 'a', 'b');
    const first = planOf(bench);
    report(bench, 'a', first.identity, { failure: 'unreachable', hash: '' });
    const second = planOf(bench);
    expect(second).toMatchObject({ channel: 'relay', weight: 4 });
    expect(second.identity.ringEpoch).toBe(first.identity.ringEpoch + 1);
    expect(bench.run.refused).toBe(0);
    expect(bench.run.ringMemory.trouble.size).toBe(0);
  });

  it('are tried again between the same two after a while, and after twice that when they fail again', () => {
    const bench = directRing('a', 'b');
    /** Rounds through the coordinator until the two are neighbours again. */
    const roundsApart = (): number => {
      report(bench, 'a', planOf(bench).identity, { failure: 'unreachable', hash: '' });
      for (let rounds = 1; ; rounds++) {
        finishRound(bench, ['a', 'b']);
        holdAll(bench, 'a', 'b');
        if (bench.run.round?.ring?.exchange?.channel === 'webrtc') return rounds;
      }
    };
    holdAll(bench, 'a', 'b');
    const apart = Array.from({ length: 6 }, roundsApart);
    const most = limits.ringUnreachableRounds;
    expect(apart).toEqual([2, 4, 8, 16, most, most]);
    finishRound(bench, ['a', 'b']);
    holdAll(bench, 'a', 'b');
    expect(roundsApart()).toBe(2);
    expect(bench.run.ringMemory.agreed.webrtc).toBe(1);
  });

  it('go around two members that found no way to one another', () => {
    const bench = directRing('a', 'b', 'c', 'd');
    holdAll(bench, 'a', 'b', 'c', 'd');
    const first = planOf(bench);
    // Members of whom nothing is known are in the order of their names.
    expect(first.members.map(({ workerId }) => workerId)).toEqual(ids('a', 'b', 'c', 'd'));
    report(bench, 'a', first.identity, { failure: 'unreachable', hash: '' });
    finishRound(bench, ['a', 'b', 'c', 'd']);
    holdAll(bench, 'a', 'b', 'c', 'd');
    const next = planOf(bench);
    expect(next.channel).toBe('webrtc');
    const ring = next.members.map(({ workerId }) => workerId);
    expect(Math.abs(ring.indexOf(workerIdOf('a')) - ring.indexOf(workerIdOf('b')))).toBe(2);
  });

  it('end with the consent of a member: the ring begins anew through the coordinator', () => {
    const bench = directRing('a', 'b');
    holdAll(bench, 'a', 'b');
    const first = planOf(bench);
    heartbeat(bench, 'b', ['relay', 'webrtc']);
    expect(told(bench)).toEqual([]);
    heartbeat(bench, 'b', ['relay']);
    expect(told(bench)).toMatchObject([{ told: { kind: 'over', identity: first.identity } }]);
    bench.post({ kind: 'tick' });
    expect(planOf(bench)).toMatchObject({ channel: 'relay', weight: 4 });
  });

  it('count as a fault of whoever finds no way through the coordinator', () => {
    const bench = ringOf('a', 'b');
    holdAll(bench, 'a', 'b');
    report(bench, 'a', planOf(bench).identity, { failure: 'unreachable', hash: '' });
    expect(bench.run.ringMemory.trouble.get(workerIdOf('a'))).toBe(1);
  });
});

describe('what a ring refuses', () => {
  it.each<[string, object, string]>([
    ['a payload beside a held update', { payload: new Uint8Array(12) }, 'wrongLength'],
    ['a norm beyond the job', { norm: 101 }, 'normTooLarge'],
    ['a norm that is none', { norm: Number.NaN }, 'notFinite'],
    ['another ring', { ringId: 99 }, 'wrongRound'],
    ['other samples', { samples: 7 }, 'badRequest'],
  ])('%s', (_, change, code) => {
    const bench = ringOf('a', 'b');
    const lease = bench.lease('a');
    if (lease === undefined) throw new Error('Expected a lease.');
    const { ringId = 0 } = lease;
    bench.post(bench.contribution('a', lease, { ringId, norm: 1, payload: new Uint8Array(0), ...change }));
    expect(codes(bench)).toEqual([code]);
    expect(bench.run.refused + bench.run.overtaken).toBe(1);
    holdAll(bench, 'a', 'b');
    expect(planOf(bench).weight).toBe(4);
  });

  it('members of another opinion than most, who lose their units', () => {
    const bench = ringOf('a', 'b', 'c');
    const held = holdAll(bench, 'a', 'b', 'c');
    const plan = planOf(bench);
    for (const name of ['a', 'c']) report(bench, name, plan.identity);
    report(bench, 'b', plan.identity, { hash: hashOf('other') });
    expect(bench.run.refused).toBe(1);
    expect(bench.state.workers.get(workerIdOf('b'))?.unitsRefused).toBe(1);
    expect(holdAll(bench, 'a')['a']?.toSorted()).toEqual(held['b']?.toSorted());
    expect(planOf(bench).members).toHaveLength(2);
  });

  it('a sum with another hash than the members agreed on, and asks the next member', () => {
    const bench = ringOf('a', 'b');
    holdAll(bench, 'a', 'b');
    const plan = planOf(bench);
    for (const name of ['a', 'b']) report(bench, name, plan.identity);
    told(bench);
    handIn(bench, 'a', plan.identity, hashOf('other'));
    expect(codes(bench)).toEqual(['hashMismatch']);
    expect(told(bench)).toMatchObject([{ to: ids('b') }]);
  });

  it('a sum that the trainer refuses, and computes the units of its sender again', () => {
    const bench = ringOf('a', 'b');
    holdAll(bench, 'a');
    const [asked] = told(bench);
    if (asked !== undefined) handIn(bench, 'a', asked.told.identity);
    const [sum] = bench.take('mergeSum');
    if (sum === undefined) throw new Error('Expected a sum.');
    const { round, ringEpoch, workerId } = sum;
    const outcome = { accepted: false, code: 'wrongLength', message: 'short' } as const;
    bench.post({ kind: 'ringSumMerged', jobId, round, ringEpoch, workerId, outcome });
    expect(codes(bench)).toEqual(['wrongLength']);
    expect(bench.run.round?.pool.freeCount).toBe(4);
    expect(bench.run.round?.weight).toBe(0);
  });

  it('reports and sums of whoever was not asked', () => {
    const bench = ringOf('a', 'b', 'c');
    holdAll(bench, 'a', 'b');
    const { identity } = planOf(bench);
    report(bench, 'c', identity);
    report(bench, 'a', { ...identity, epoch: 4 });
    report(bench, 'a', { ...identity, ringEpoch: 9 });
    handIn(bench, 'a', identity);
    expect(codes(bench)).toEqual(['staleRing', 'staleRing', 'staleRing', 'staleRing']);
  });

  it('to ask a worker for a ring that was in the way of three', () => {
    const bench = ringOf('a', 'b', 'c');
    holdAll(bench, 'a', 'b');
    for (let failure = 0; failure < limits.ringTroubleMax; failure++) {
      report(bench, 'b', planOf(bench).identity, { failure: 'wrongChunk', hash: '' });
    }
    bench.post({ kind: 'workerLeft', workerId: workerIdOf('a') });
    expect(bench.lease('b')?.ringId).toBeUndefined();
  });
});
