import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoreRound } from '../../../../server/core/effect-values.ts';
import type { Effect } from '../../../../server/core/events.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId } from './fixtures.ts';

type Reduce = Extract<Effect, { kind: 'reduce' }>;

const unitsPerRound = 5;
const followers = ['b', 'c'];
const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };

/**
 * Workers at a leader and at two followers, whose sums are sets of units here. Whatever is lost, and in whatever order
 * answers come: a round that is stored has every unit in exactly one sum that still exists.
 */
class EdgeStory {
  readonly bench = BenchCoordinator.withJob({
    evaluation,
    unitsPerRound,
    stop: { rounds: 1_000 },
    checkpoint: { everyRounds: 1_000 },
  });
  /** By coordinator and serial; the leader's own by the empty name. */
  readonly sums = new Map<string, Set<number>>();
  readonly reducing: Reduce[] = [];
  readonly storing: StoreRound[] = [];
  roundsStored = 0;

  constructor() {
    for (const via of ['', ...followers]) this.register(via);
  }

  register(via: string): void {
    this.bench.register(`at-${via}`, via === '' ? {} : { via });
  }

  contribute(via: string): void {
    const lease = this.bench.lease(`at-${via}`, 0);
    if (lease?.kind !== 'train') return;
    const held = via === '' ? {} : { payload: new Uint8Array(0), heldAt: { coordinator: via, bytes: 12 } };
    this.bench.post(this.bench.contribution(`at-${via}`, lease, held));
    this.collect();
  }

  /** One of those that are being reduced is done, well or not. */
  reduce(choice: number, isAccepted: boolean): void {
    const [effect] = this.reducing.splice(choice % Math.max(1, this.reducing.length), 1);
    if (effect === undefined) return;
    const { round, unit, leaseId, edge } = effect;
    if (isAccepted) this.sumOf(edge?.coordinator ?? '', edge?.serial ?? this.serialOf(round)).add(unit);
    const outcome = isAccepted
      ? ({ accepted: true, norm: 1 } as const)
      : ({ accepted: false, code: 'unavailable', message: 'busy' } as const);
    this.bench.post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
    this.collect();
  }

  lose(coordinator: string): void {
    for (const key of [...this.sums.keys()]) if (key.startsWith(`${coordinator}/`)) this.sums.delete(key);
    for (const effect of [...this.reducing]) {
      if (effect.edge?.coordinator === coordinator) this.reducing.splice(this.reducing.indexOf(effect), 1);
    }
    this.bench.post({ kind: 'coordinatorLost', coordinator });
    this.register(coordinator);
    this.collect();
  }

  store(): void {
    const effect = this.storing.shift();
    if (effect === undefined) return;
    const { round, weight, edge } = effect;
    const serial = edge?.serial ?? this.serialOf(round);
    const missing = (edge?.shares ?? []).filter(
      ({ coordinator, units }) => [...this.sumOf(coordinator, serial)].sort().join() !== units.join(),
    );
    if (missing.length > 0) {
      const coordinators = missing.map(({ coordinator }) => coordinator);
      this.bench.post({ kind: 'sumsMissing', jobId, serial, coordinators });
      this.collect();
      return;
    }
    const units = [...this.sumOf('', serial), ...(edge?.shares ?? []).flatMap((share) => share.units)];
    expect(units.sort()).toEqual(Array.from({ length: unitsPerRound }, (_, unit) => unit));
    expect(weight).toBe(unitsPerRound);
    this.roundsStored += 1;
    const hashes = { aggregateHash: hashOf(`a${round}`), parametersHash: hashOf(`v${round + 1}`) };
    this.bench.post({ kind: 'roundStored', jobId, round, ...hashes, finite: true });
    this.bench.settle(({ kind }) => kind === 'reduce' || kind === 'storeRound');
    this.collect();
  }

  private collect(): void {
    this.reducing.push(...this.bench.take('reduce'));
    this.storing.push(...this.bench.take('storeRound'));
  }

  private serialOf(round: number): number {
    return this.bench.run.round?.round === round ? this.bench.run.round.serial : -1;
  }

  private sumOf(coordinator: string, serial: number): Set<number> {
    const key = `${coordinator}/${serial}`;
    const sum = this.sums.get(key) ?? new Set();
    this.sums.set(key, sum);
    return sum;
  }
}

const place = fc.constantFrom('', ...followers);
const deeds = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('contribute'), place }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('reduce'), choice: fc.nat(9), isAccepted: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose'), place: fc.constantFrom(...followers) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('store') }) },
);

it('stores a round with every unit in one sum that exists, whatever was lost', () => {
  let stored = 0;
  fc.assert(
    fc.property(fc.array(deeds, { minLength: 20, maxLength: 120 }), (story) => {
      const edge = new EdgeStory();
      for (const deed of story) {
        if ('choice' in deed) edge.reduce(deed.choice, deed.isAccepted);
        else if (deed.kind === 'lose') edge.lose('place' in deed ? deed.place : '');
        else if ('place' in deed) edge.contribute(deed.place);
        else edge.store();
      }
      stored += edge.roundsStored;
    }),
    { numRuns: 150 },
  );
  expect(stored).toBeGreaterThan(0);
});
