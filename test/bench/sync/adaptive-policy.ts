import { type CodecSpec, codecText } from '../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../shared/codec/codecs.ts';
import { type AdaptiveView, adaptiveDefaults, choosePlan } from '../../../shared/sync/adaptive.ts';
import { gradientWorth } from '../../../shared/sync/gradient-worth.ts';
import type { PlanChange, RoundPlan } from '../../../shared/sync/round-plan.ts';
import {
  type AdaptiveSpec,
  type RoundStrategySpec,
  strategyText,
} from '../../../shared/sync/strategy-spec.ts';
import { createManifest, type ParameterManifest } from '../../../shared/tensor/manifest.ts';
import { type Figure, median } from '../figure.ts';
import { type RunBy, runRounds, type Seen, type Volunteers } from './volunteer-rounds.ts';

const seeds = [1, 2, 3];
const workers = 8;
const rounds = 400;
const stepsMax = 64;

const models = [
  { name: '100 thousand parameters, steps of 0.05 s', side: 316, stepMs: 50 },
  { name: '10 million parameters, steps of 1 s', side: 3_162, stepMs: 1_000 },
];
const uplinks = [100, 20, 5, 1];

const strategies: readonly RoundStrategySpec[] = [
  { kind: 'parameterServerSynchronous' },
  { kind: 'parameterServerSynchronous', quorum: 0.75 },
  { kind: 'parameterServerAsynchronous', buffer: 8, stalenessMax: 4 },
];
const codecs: readonly CodecSpec[] = [
  { kind: 'float32' },
  { kind: 'int8' },
  { kind: 'topk', k: 64, valueBits: 2 },
];
const spec: AdaptiveSpec = {
  kind: 'adaptive',
  strategies,
  localSteps: { minimum: 1, maximum: stepsMax },
};

interface Sized {
  readonly text: string;
  readonly bytes: number;
}

const sizesOf = (manifest: ParameterManifest): readonly Sized[] =>
  codecs.map((codec) => ({
    text: codecText(codec),
    bytes: createCodec(codec, manifest).encodedBytes,
  }));

/** What the policy makes of uplinks and models, against the best plan that never changes, in one model of time. */
export async function adaptivePolicyFigures(report: (figure: Figure) => void): Promise<void> {
  for (const { name, side, stepMs } of models) {
    const sizes = sizesOf(createManifest([{ name: 'kernel', shape: [side, side] }]));
    for (const megabits of uplinks) {
      const results = seeds.map((seed) => {
        const bytesPerSecond = (megabits * 1e6) / 8;
        return compare(
          { stepMs, bytesPerSecond, count: workers, lossRate: 0.01, seed },
          sizes,
          4 * side * side,
        );
      });
      const [first] = results;
      const figure = (what: string, runs: readonly number[], unit: string, conditions: string): Figure => ({
        suite: 'sync',
        figure: `adaptive at ${megabits} Mbit/s, ${name}: ${what}`,
        value: median(runs),
        unit,
        runs,
        conditions,
      });
      const chosen = `chose ${planWords(first!.chosen)}; best ${planWords(first!.best)}`;
      const ratios = results.map(({ ratio }) => ratio);
      report({
        ...figure('over the best plan', ratios, 'ratio', chosen),
        target: { kind: 'atLeast', value: 0.8 },
      });
      const changes = results.map((result) => result.changes);
      report(figure('changes in 400 rounds', changes, 'changes', `${workers} workers, 1 % of units lost`));
      report(
        figure(
          'over what it began with',
          results.map(({ overFirst }) => overFirst),
          'times',
          'the same',
        ),
      );
    }
  }
}

interface Compared {
  readonly chosen: Plan;
  readonly best: Plan;
  /** Learning a second under the plan that it came to over that under the best. */
  readonly ratio: number;
  readonly overFirst: number;
  readonly changes: number;
}

interface Plan extends RunBy {
  readonly codec: string;
}

function compare(volunteers: Volunteers, sizes: readonly Sized[], parameterBytes: number): Compared {
  const speed = (plan: Plan): number => learning(runRounds(volunteers, plan, 60, 0), plan, parameterBytes);
  const plans: Plan[] = strategies.flatMap((strategy) =>
    sizes.flatMap(({ text, bytes }) =>
      Array.from({ length: 1 + Math.log2(stepsMax) }, (_, power) => 2 ** power).map((localSteps) => ({
        strategy,
        localSteps,
        codec: text,
        updateBytes: bytes,
      })),
    ),
  );
  const fixed = plans.map((plan) => ({ plan, speed: speed(plan) }));
  const first = fixed[0]!;
  const best = fixed.reduce((one, other) => (other.speed > one.speed ? other : one));
  const { plan: chosen, changes } = follow(volunteers, sizes, parameterBytes);
  const reached = speed(chosen);
  return {
    chosen,
    best: best.plan,
    ratio: reached / best.speed,
    overFirst: reached / first.speed,
    changes,
  };
}

/** Gradients of a second, by what they are worth. */
function learning({ units, elapsedMs, staleness }: Seen, plan: Plan, parameterBytes: number): number {
  const { localSteps, updateBytes } = plan;
  const worth = gradientWorth({ localSteps, compression: parameterBytes / updateBytes, staleness });
  return (units * localSteps * worth * 1_000) / elapsedMs;
}

/** The policy with what it would measure, every few rounds. */
function follow(
  volunteers: Volunteers,
  sizes: readonly Sized[],
  parameterBytes: number,
): { readonly plan: Plan; readonly changes: number } {
  const [strategy] = strategies;
  const [codec] = sizes;
  const first: RoundPlan = { strategy: strategy!, localSteps: 1, codec: codec!.text, adaptive: spec };
  let plan = first;
  const changes: PlanChange[] = [];
  const { everyRounds } = adaptiveDefaults;
  for (let round = everyRounds; round < rounds; round += everyRounds) {
    const seen = runRounds(volunteers, runBy(plan, sizes), everyRounds, round);
    const choice = choosePlan(spec, viewOf(seen, { round, plan, first, changes, sizes, parameterBytes }));
    if (choice === undefined) continue;
    plan = choice.plan;
    changes.push({ round, plan, by: 'adaptive', reason: choice.reason, atMs: 0 });
  }
  return { plan: { ...runBy(plan, sizes), codec: plan.codec ?? '' }, changes: changes.length };
}

function runBy({ strategy, localSteps = 1, codec }: RoundPlan, sizes: readonly Sized[]): RunBy {
  return { strategy, localSteps, updateBytes: sizes.find(({ text }) => text === codec)?.bytes ?? 0 };
}

interface Followed {
  readonly round: number;
  readonly plan: RoundPlan;
  readonly first: RoundPlan;
  readonly changes: readonly PlanChange[];
  readonly sizes: readonly Sized[];
  readonly parameterBytes: number;
}

/** The newest sixteen of each, as the leader keeps them. */
function viewOf(seen: Seen, { round, plan, first, changes, sizes, parameterBytes }: Followed): AdaptiveView {
  const newest = (values: readonly number[]): number => median(values.slice(-16));
  const typicalMs = median(seen.unitMs);
  return {
    round,
    unitsPerRound: workers,
    workers,
    stepMs: newest(seen.stepMs),
    spread: median(seen.unitMs.map((unitMs) => Math.abs(unitMs - typicalMs))) / typicalMs,
    uplinkBytesPerSecond: newest(seen.bytesPerSecond),
    lossRate: seen.lost / Math.max(1, seen.lost + seen.unitMs.length),
    localSteps: plan.localSteps ?? 1,
    hasLocalSteps: true,
    codecs: sizes,
    codec: plan.codec ?? '',
    parameterBytes,
    plan,
    first,
    changes,
  };
}

function planWords({ strategy, localSteps, codec }: Plan): string {
  return `${strategyText(strategy).replace('parameterServer', '')}, H = ${localSteps}, ${codec}`;
}
