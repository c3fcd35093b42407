import { assert } from '../../base/assert.ts';
import { GradswarmError } from '../../base/errors.ts';
import type {
  AggregatorFunction,
  BuiltinKind,
  BuiltinSpec,
  CustomAggregator,
  Members,
} from './aggregator.ts';
import type { AggregatorSpec } from './aggregator-spec.ts';
import { bulyan } from './bulyan.ts';
import { centredClipping } from './centred-clipping.ts';
import { geometricMedian } from './geometric-median.ts';
import { krum, multiKrum } from './krum.ts';
import { mean, weightedMean } from './mean.ts';
import { median } from './median.ts';
import { medianNormClip } from './median-norm-clip.ts';
import { mix, mixingMembersMin } from './mixing.ts';
import { trimmedMean } from './trimmed-mean.ts';

const functions: { readonly [Kind in BuiltinKind]: AggregatorFunction<Kind> } = {
  mean,
  weightedMean,
  trimmedMean,
  median,
  geometricMedian,
  krum,
  multiKrum,
  bulyan,
  centredClipping,
  medianNormClip,
};

export const builtinAggregators = Object.keys(functions) as readonly BuiltinKind[];

for (const kind of builtinAggregators) {
  assert(functions[kind].kind === kind, `aggregator ${kind} is filed under its own name`);
}

function functionOf(kind: BuiltinKind): AggregatorFunction<BuiltinKind> {
  return functions[kind] as AggregatorFunction<BuiltinKind>;
}

/** Whether a sum is not enough: the vectors of a round are kept until it closes, and never summed before they arrive. */
export function keepsVectors({ kind, before }: AggregatorSpec): boolean {
  return before !== undefined || !(kind === 'mean' || kind === 'weightedMean');
}

/**
 * Contributions without which the function must not be asked.
 * @param custom what an operator's own module says that it needs; only who has loaded it knows.
 */
export function membersMin(spec: AggregatorSpec, custom = 1): number {
  const needed =
    spec.kind === 'custom' ? custom : functionOf(spec.kind).membersMin(spec as BuiltinSpec<BuiltinKind>);
  return spec.before === undefined ? needed : mixingMembersMin(spec.before, needed);
}

/**
 * Writes the aggregate of `members`, which stand in the order of their units. `seed` is the round's; `custom` is the
 * module that the spec names.
 * @throws GradswarmError `tooFewMembers`.
 */
export function aggregate(
  spec: AggregatorSpec,
  members: Members,
  seed: number,
  target: Float32Array,
  custom?: CustomAggregator,
): void {
  requireMembers(spec, members, membersMin(spec, custom?.membersMin));
  const mixed = spec.before === undefined ? members : mix(spec.before, members, seed);
  if (spec.kind !== 'custom') {
    functionOf(spec.kind).aggregate(spec as BuiltinSpec<BuiltinKind>, mixed, target);
    return;
  }
  assert(custom !== undefined, `the module of ${spec.name} was loaded`);
  custom.aggregate(mixed.vectors, mixed.weights, target);
}

function requireMembers(spec: AggregatorSpec, { vectors }: Members, needed: number): void {
  if (vectors.length >= needed) return;
  const name = spec.kind === 'custom' ? spec.name : spec.kind;
  const message = `The aggregator ${name} needs ${needed} contributions, and the round has ${vectors.length}.`;
  throw new GradswarmError('tooFewMembers', message, 'aggregator');
}
