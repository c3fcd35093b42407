import { createRandom, type Random } from '../../../shared/base/random.ts';
import type { RoundStrategySpec } from '../../../shared/sync/strategy-spec.ts';

/** Volunteers as a model: each with a device and an uplink of its own, and now and then a unit that is lost. */
export interface Volunteers {
  readonly stepMs: number;
  readonly bytesPerSecond: number;
  readonly count: number;
  /** Fraction of the units that their worker never returns. */
  readonly lossRate: number;
  readonly seed: number;
}

export interface RunBy {
  readonly strategy: RoundStrategySpec;
  readonly localSteps: number;
  readonly updateBytes: number;
}

/** What a coordinator could measure of some rounds. */
export interface Seen {
  readonly elapsedMs: number;
  /** Units counted, and the mean of the rounds between their version and the round that counted them. */
  readonly units: number;
  readonly staleness: number;
  readonly unitMs: readonly number[];
  readonly stepMs: readonly number[];
  readonly bytesPerSecond: readonly number[];
  readonly lost: number;
}

/** From an answer of the coordinator to the next unit, however small everything is. */
const roundTripMs = 100;
/** A copy of a unit begins, and a round with a quorum closes, after so many median units. */
const lateMedians = 1.5;

interface Unit {
  readonly computeMs: number;
  readonly uploadMs: number;
  readonly isLost: boolean;
}

function lognormal(random: Random, spread: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
  return Math.exp(spread * normal);
}

/** Rounds of as many units as there are volunteers, from a seed: not the formula that the policy predicts by. */
export function runRounds(volunteers: Volunteers, plan: RunBy, rounds: number, attempt: number): Seen {
  const { count, seed, lossRate } = volunteers;
  const fleet = createRandom(seed);
  const devices = Array.from({ length: count }, () => ({
    stepMs: volunteers.stepMs * lognormal(fleet, 0.2),
    bytesPerSecond: volunteers.bytesPerSecond * lognormal(fleet, 0.3),
  }));
  const random = createRandom(seed).fork(`attempt ${attempt}`);
  const seen = { unitMs: [] as number[], stepMs: [] as number[], bytesPerSecond: [] as number[], lost: 0 };
  const draw = (worker: number): Unit => {
    const device = devices[worker % count]!;
    const stepMs = device.stepMs * lognormal(random, 0.1);
    const bytesPerSecond = device.bytesPerSecond * lognormal(random, 0.2);
    const unit = {
      computeMs: plan.localSteps * stepMs,
      uploadMs: (1_000 * plan.updateBytes) / bytesPerSecond,
      isLost: random.unit() < lossRate,
    };
    if (unit.isLost) seen.lost += 1;
    else {
      seen.stepMs.push(stepMs);
      seen.bytesPerSecond.push(bytesPerSecond);
      seen.unitMs.push(unit.computeMs + unit.uploadMs);
    }
    return unit;
  };
  const took = plan.strategy.kind === 'parameterServerAsynchronous' ? runEndless : runBarriers;
  return { ...seen, ...took(draw, plan, count, rounds) };
}

type Took = Pick<Seen, 'elapsedMs' | 'units' | 'staleness'>;

/** A lost unit is computed by the first who is ready, once it is late. */
function runBarriers(
  draw: (worker: number) => Unit,
  { strategy }: RunBy,
  count: number,
  rounds: number,
): Took {
  const quorum = strategy.kind === 'parameterServerSynchronous' ? (strategy.quorum ?? 1) : 1;
  let [elapsedMs, units] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const drawn = Array.from({ length: count }, (_, worker) => draw(worker));
    const durations = drawn.map(({ computeMs, uploadMs }) => computeMs + uploadMs).sort((a, b) => a - b);
    const typicalMs = durations[durations.length >> 1] ?? 0;
    const lateMs = lateMedians * typicalMs;
    const ends = drawn
      .map(({ computeMs, uploadMs, isLost }) => (isLost ? lateMs + typicalMs : computeMs + uploadMs))
      .sort((a, b) => a - b);
    const inTime = ends.filter((end) => end <= lateMs).length;
    const wanted = Math.ceil(quorum * count);
    const counted = inTime >= count ? count : Math.max(wanted, inTime);
    elapsedMs +=
      roundTripMs + (counted < count ? Math.max(lateMs, ends[counted - 1] ?? 0) : (ends.at(-1) ?? 0));
    units += counted;
  }
  return { elapsedMs, units, staleness: 0 };
}

/** Every worker sends one unit while it computes the next, and nobody waits. */
function runEndless(
  draw: (worker: number) => Unit,
  { strategy }: RunBy,
  count: number,
  rounds: number,
): Took {
  const { buffer = count, stalenessMax = 0 } =
    strategy.kind === 'parameterServerAsynchronous' ? strategy : {};
  const workers = Array.from({ length: count }, (_, worker) => ({ worker, freeMs: 0, sentMs: 0 }));
  const arrivals: { readonly beganMs: number; readonly atMs: number }[] = [];
  while (arrivals.length < 2 * buffer * rounds) {
    const next = workers.reduce((first, other) => (other.freeMs < first.freeMs ? other : first));
    const { computeMs, uploadMs, isLost } = draw(next.worker);
    const beganMs = next.freeMs;
    const computedMs = beganMs + computeMs;
    next.sentMs = Math.max(computedMs, next.sentMs) + uploadMs;
    // At most one update waits while the next is computed.
    next.freeMs = Math.max(computedMs, next.sentMs - uploadMs);
    if (!isLost) arrivals.push({ beganMs, atMs: next.sentMs + roundTripMs });
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  const commits: number[] = [];
  let [counted, staleness] = [0, 0];
  for (const { beganMs, atMs } of arrivals) {
    const stale = commits.filter((commitMs) => commitMs > beganMs).length;
    if (stale > stalenessMax) continue;
    counted += 1;
    staleness += stale;
    if (counted % buffer === 0) commits.push(atMs);
    if (commits.length === rounds) return { elapsedMs: atMs, units: counted, staleness: staleness / counted };
  }
  return {
    elapsedMs: arrivals.at(-1)?.atMs ?? 1,
    units: counted,
    staleness: staleness / Math.max(1, counted),
  };
}
