import { gradientWorth } from './gradient-worth.ts';
import { type PlanChange, planText, type RoundPlan } from './round-plan.ts';
import type { AdaptiveSpec, RoundStrategySpec } from './strategy-spec.ts';

/** What the leader has measured of a job, between two rounds. */
export interface AdaptiveView {
  /** The next round to open. */
  readonly round: number;
  readonly unitsPerRound: number;
  readonly workers: number;
  /** Median time of one gradient, without its upload. */
  readonly stepMs: number;
  /** Median absolute deviation of unit times, as a fraction of their median. */
  readonly spread: number;
  readonly uplinkBytesPerSecond: number;
  /** Fraction of the leases that lately ended without a result. */
  readonly lossRate: number;
  /** Local steps of a unit now; 1 where units are gradients, which no plan changes. */
  readonly localSteps: number;
  readonly hasLocalSteps: boolean;
  /** The job's codecs in the order of its preference, each with the bytes of one update, and the one in use. */
  readonly codecs: readonly { readonly text: string; readonly bytes: number }[];
  readonly codec: string;
  /** Bytes of the parameters. */
  readonly parameterBytes: number;
  readonly plan: RoundPlan;
  /** What the job began with, and the newest changes since. */
  readonly first: RoundPlan;
  readonly changes: readonly PlanChange[];
}

export interface Choice {
  readonly plan: RoundPlan;
  readonly reason: string;
}

interface Candidate {
  readonly strategy: RoundStrategySpec;
  readonly localSteps: number;
  readonly codec: AdaptiveView['codecs'][number];
}

export const adaptiveDefaults = { everyRounds: 8, holdRounds: 32, gainMin: 0.15 };

/** Times the hold for which a change makes the next one harder: who changed often must be surer. */
const rememberedHolds = 4;
/** What is late (`unit-times.ts` of the coordinator), beyond the median: in medians, and in their spread. */
const lateMedians = 0.5;
const lateSpreads = 4;

/**
 * Another plan, if one is predicted to train faster by more than a margin, which doubles with every change of late; what
 * was given up lately is not chosen again. So nothing flaps. What is predicted are gradients per second, weighed
 * by what they are taken to be worth (`gradient-worth.ts`); the loss is not looked at.
 */
export function choosePlan(spec: AdaptiveSpec, view: AdaptiveView): Choice | undefined {
  const { holdRounds, gainMin } = { ...adaptiveDefaults, ...spec };
  const current = currentOf(view);
  if (!(view.stepMs > 0) || !(view.uplinkBytesPerSecond > 0) || current === undefined) return undefined;
  const now = progressOf(current, view);
  const gainWanted = gainMin * 2 ** newestChanges(view, holdRounds * rememberedHolds).length;
  let best: { readonly candidate: Candidate; readonly progress: number } | undefined;
  for (const candidate of candidatesOf(spec, view, current)) {
    const progress = progressOf(candidate, view);
    if (progress < now * (1 + gainWanted) || progress <= (best?.progress ?? 0)) continue;
    if (!wasGivenUp(planOf(spec, candidate, view), view, holdRounds)) best = { candidate, progress };
  }
  if (best === undefined) return undefined;
  const plan = planOf(spec, best.candidate, view);
  return { plan, reason: reasonOf(view, current, best.candidate, best.progress / now) };
}

function currentOf({ plan, localSteps, codecs, codec }: AdaptiveView): Candidate | undefined {
  const used = codecs.find(({ text }) => text === codec) ?? codecs[0];
  return used && { strategy: plan.strategy, localSteps, codec: used };
}

/** The strategies that the job names, its codecs, and the local steps of now halved and doubled, up to its bounds. */
function candidatesOf(spec: AdaptiveSpec, view: AdaptiveView, current: Candidate): Candidate[] {
  const steps = view.hasLocalSteps ? localStepsOf(spec, current.localSteps) : [current.localSteps];
  return spec.strategies.flatMap((strategy) =>
    steps.flatMap((localSteps) => view.codecs.map((codec) => ({ strategy, localSteps, codec }))),
  );
}

/** One at a time would stop at the first that is no gain alone. */
function localStepsOf({ localSteps }: AdaptiveSpec, now: number): readonly number[] {
  const { minimum, maximum } = localSteps ?? { minimum: now, maximum: now };
  const steps = new Set([Math.min(maximum, Math.max(minimum, now))]);
  for (let more = now * 2; more < maximum; more *= 2) steps.add(Math.max(minimum, more));
  for (let fewer = Math.ceil(now / 2); fewer > minimum; fewer = Math.ceil(fewer / 2)) {
    steps.add(Math.min(maximum, fewer));
  }
  return [...steps.add(minimum).add(maximum)];
}

/** Gradients a second, each weighed by what it is worth. */
function progressOf(candidate: Candidate, view: AdaptiveView): number {
  const { strategy, localSteps, codec } = candidate;
  const { unitsPerRound, workers, lossRate, parameterBytes } = view;
  const unitMs = localSteps * view.stepMs;
  const uploadMs = uploadMsOf(candidate, view);
  // One unit is sent while the next is computed.
  const cycleMs = Math.max(unitMs, uploadMs);
  const compression = strategy.kind === 'ringAllReduce' ? 1 : parameterBytes / codec.bytes;
  const present = Math.max(1, workers);
  const staleness =
    strategy.kind === 'parameterServerAsynchronous'
      ? Math.min(strategy.stalenessMax, ((unitMs + uploadMs) / cycleMs) * (present / strategy.buffer))
      : 0;
  const worth = localSteps * gradientWorth({ localSteps, compression, staleness });
  if (strategy.kind === 'parameterServerAsynchronous') {
    return (present * worth * (1 - lossRate)) / cycleMs;
  }
  const quorum = strategy.kind === 'parameterServerSynchronous' ? (strategy.quorum ?? 1) : 1;
  const waiting = waitingOf(view, quorum);
  const waves = Math.ceil(unitsPerRound / present);
  const roundMs = (waves - 1) * cycleMs + (unitMs + uploadMs) * (1 + waiting);
  const counted = quorum < 1 ? unitsPerRound * Math.max(quorum, 1 - lossRate) : unitsPerRound;
  return (counted * worth) / roundMs;
}

/** Unit times that a round takes beyond the median one, on average. */
function waitingOf({ unitsPerRound, workers, spread, lossRate }: AdaptiveView, quorum: number): number {
  const lossInRound = 1 - (1 - lossRate) ** unitsPerRound;
  const slowest = spread * slowestDeviations(Math.min(unitsPerRound, Math.max(1, workers)));
  const late = Math.max(lateMedians, lateSpreads * spread);
  // A quorum closes the round when it is late; who needs all waits for a copy, which begins then and runs its time.
  const [steady, lossy] = quorum < 1 ? [Math.min(slowest, late), late] : [slowest, late + 1];
  return steady * (1 - lossInRound) + lossy * lossInRound;
}

/** How far the slowest of `count` is from the median, in median absolute deviations of a normal distribution (within 4 %). */
function slowestDeviations(count: number): number {
  return 1.48 * Math.max(0, Math.sqrt(2 * Math.log(count)) - 0.6);
}

/** In a ring every member sends the whole vector about twice. */
function uploadMsOf({ strategy, codec }: Candidate, view: AdaptiveView): number {
  const bytes = strategy.kind === 'ringAllReduce' ? 2 * view.parameterBytes : codec.bytes;
  return (bytes / view.uplinkBytesPerSecond) * 1_000;
}

function planOf(
  spec: AdaptiveSpec,
  { strategy, localSteps, codec }: Candidate,
  view: AdaptiveView,
): RoundPlan {
  return {
    strategy,
    ...(view.hasLocalSteps ? { localSteps } : {}),
    ...(view.codecs.length > 1 ? { codec: codec.text } : {}),
    adaptive: spec,
  };
}

/** Those of the newest rounds, each with the plan that it took the place of. */
function newestChanges(
  { round, first, changes }: AdaptiveView,
  holdRounds: number,
): readonly { readonly given: RoundPlan }[] {
  return changes
    .map((change, index) => ({ ...change, given: changes[index - 1]?.plan ?? first }))
    .filter((change) => change.round > round - holdRounds);
}

/** Whether a plan took the place of this one within the newest rounds. */
function wasGivenUp(plan: RoundPlan, view: AdaptiveView, holdRounds: number): boolean {
  const text = planText(plan);
  return newestChanges(view, holdRounds).some(({ given }) => planText(given) === text);
}

function reasonOf(view: AdaptiveView, before: Candidate, after: Candidate, gain: number): string {
  const { uplinkBytesPerSecond, workers, lossRate } = view;
  const seconds = (ms: number): string => `${(ms / 1_000).toPrecision(2)} s`;
  const seen = [
    `uplink ${speedText(uplinkBytesPerSecond)}`,
    `unit ${seconds(before.localSteps * view.stepMs)}`,
    `upload ${seconds(uploadMsOf(before, view))}`,
    `${Math.round(lossRate * 100)} % of leases lost`,
    `${workers} workers`,
  ];
  const then = `upload ${seconds(uploadMsOf(after, view))} for a unit of ${seconds(after.localSteps * view.stepMs)}`;
  return `${seen.join(', ')}: predicted ${gain.toFixed(2)} times as fast, with an ${then}`;
}

function speedText(bytesPerSecond: number): string {
  const kilobytes = bytesPerSecond / 1_000;
  return kilobytes < 1 ? `${Math.round(bytesPerSecond)} B/s` : `${Number(kilobytes.toPrecision(3))} kB/s`;
}
