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

/** A later codec of the list leaves more out: its steps are worth a little less. */
const worthPerCodec = 0.98;
/** Doublings of the local steps after which a step is worth half. */
const halvingDoublings = 20;
/** How many round times a lost unit costs a round that needs it: its lease has to end before another computes it. */
const lossCost = 3;

/**
 * Another plan, if one is predicted to train faster by more than the margin; what was given up lately is not chosen
 * again, so nothing flaps. The prediction is a model of throughput, not of learning: gradients per second, weighed by
 * what staleness, many local steps and coarse codecs are known to cost.
 */
export function choosePlan(spec: AdaptiveSpec, view: AdaptiveView): Choice | undefined {
  const { holdRounds, gainMin } = { ...adaptiveDefaults, ...spec };
  const current = currentOf(view);
  if (!(view.stepMs > 0) || !(view.uplinkBytesPerSecond > 0) || current === undefined) return undefined;
  const now = progressOf(current, view);
  let best: { readonly candidate: Candidate; readonly progress: number } | undefined;
  for (const candidate of candidatesOf(spec, view, current)) {
    const progress = progressOf(candidate, view);
    if (progress < now * (1 + gainMin) || progress <= (best?.progress ?? 0)) continue;
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

/** The strategies that the job names, twice and half the local steps within its bounds, and its codecs. */
function candidatesOf(spec: AdaptiveSpec, view: AdaptiveView, current: Candidate): Candidate[] {
  const { minimum, maximum } = spec.localSteps ?? { minimum: view.localSteps, maximum: view.localSteps };
  const halfToDouble = [current.localSteps, current.localSteps * 2, Math.ceil(current.localSteps / 2)];
  const steps = view.hasLocalSteps
    ? [...new Set(halfToDouble.map((count) => Math.min(maximum, Math.max(minimum, count))))]
    : [current.localSteps];
  return spec.strategies.flatMap((strategy) =>
    steps.flatMap((localSteps) => view.codecs.map((codec) => ({ strategy, localSteps, codec }))),
  );
}

/** Gradients a second, each weighed by what it is worth. */
function progressOf(candidate: Candidate, view: AdaptiveView): number {
  const { strategy, localSteps, codec } = candidate;
  const { unitsPerRound, workers, spread, lossRate } = view;
  const unitMs = localSteps * view.stepMs;
  const uploadMs = uploadMsOf(candidate, view);
  // One unit is sent while the next is computed.
  const cycleMs = Math.max(unitMs, uploadMs);
  const codecIndex = view.codecs.findIndex(({ text }) => text === codec.text);
  const worth = worthPerCodec ** Math.max(0, codecIndex) / (1 + Math.log2(localSteps) / halvingDoublings);
  const present = Math.max(1, workers);
  if (strategy.kind === 'parameterServerAsynchronous') {
    const staleness = Math.min(strategy.stalenessMax, present / strategy.buffer);
    return (present * localSteps * worth * (1 - lossRate)) / Math.sqrt(1 + staleness) / cycleMs;
  }
  const quorum = strategy.kind === 'parameterServerSynchronous' ? (strategy.quorum ?? 1) : 1;
  const lossInRound = 1 - (1 - lossRate) ** unitsPerRound;
  // Either waits for the slowest of the steady; who needs everyone also for the lease of whoever is lost.
  const waiting = 4 * spread + (quorum < 1 ? 0 : lossCost * lossInRound);
  const waves = Math.ceil(unitsPerRound / present);
  const roundMs = (waves - 1) * cycleMs + (unitMs + uploadMs) * (1 + waiting);
  const counted = quorum < 1 ? unitsPerRound * Math.max(quorum, 1 - lossRate) : unitsPerRound;
  return (counted * localSteps * worth) / roundMs;
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

/** Whether a plan took the place of this one within the newest rounds. */
function wasGivenUp(plan: RoundPlan, { round, first, changes }: AdaptiveView, holdRounds: number): boolean {
  const text = planText(plan);
  return changes.some(
    (change, index) =>
      change.round > round - holdRounds && planText(changes[index - 1]?.plan ?? first) === text,
  );
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
