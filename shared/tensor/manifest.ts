import { assert } from '../base/assert.ts';

/**
 * `trainable` tensors follow the optimizer; `statistic` tensors (batch normalisation's moving averages) carry their
 * own change in the update vector, whose mean is added as it is.
 */
export type TensorRole = 'trainable' | 'statistic';

/** One named tensor and its place in the flat vector. */
export interface TensorEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: TensorRole;
  /** First element in the flat vector. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
}

/** Named shapes laid end to end in ONE flat Float32Array; the order is part of the job. */
export interface ParameterManifest {
  readonly tensors: readonly TensorEntry[];
  /** Elements of the whole vector. */
  readonly length: number;
}

export interface TensorDeclaration {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role?: TensorRole;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

export function createManifest(declarations: readonly TensorDeclaration[]): ParameterManifest {
  let offset = 0;
  const tensors = declarations.map(({ name, shape, role }): TensorEntry => {
    const length = elementCount(shape);
    assert(Number.isSafeInteger(length) && length >= 0, `tensor ${name} has a countable shape`);
    const entry = { name, shape: [...shape], role: role ?? 'trainable', offset, length };
    offset += length;
    return entry;
  });
  return { tensors, length: offset };
}

/** Canonical text of a manifest; its SHA-256 is the manifest hash that contributions quote. */
export function manifestText(manifest: ParameterManifest): string {
  return manifest.tensors.map(({ name, shape, role }) => `${name} ${role} ${shape.join('x')}`).join('\n');
}
