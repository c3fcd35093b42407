import { GradswarmError } from '../../shared/base/errors.ts';
import { type BlobHash, isBlobHash, isJobId, type JobId } from '../../shared/base/ids.ts';
import type { OptimizerKind } from '../../shared/optim/optimizer.ts';
import { optimizerKinds } from '../../shared/optim/optimizers.ts';
import type { TensorDeclaration, TensorRole } from '../../shared/tensor/manifest.ts';

const format = 'gradswarm-checkpoint';
const formatVersion = 1;

/** The JSON document that ties a checkpoint's blobs together. Vectors are little-endian float32 in tensor order. */
export interface CheckpointManifest {
  readonly jobId: JobId;
  /** Committed rounds; also the next round. */
  readonly version: number;
  readonly optimizer: OptimizerKind;
  readonly tensors: readonly TensorDeclaration[];
  readonly parameters: BlobHash;
  readonly published: BlobHash;
  readonly slots: readonly { readonly name: string; readonly hash: BlobHash }[];
  /** The optimizer's carried scalars. JSON numbers give doubles back exactly. */
  readonly scalars: readonly number[];
}

export function encodeCheckpointManifest(manifest: CheckpointManifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format, formatVersion, ...manifest }, undefined, 1));
}

/** @throws GradswarmError `corrupted`, naming the field. */
export function decodeCheckpointManifest(bytes: Uint8Array): CheckpointManifest {
  const fields = record(parseJson(bytes), 'the document');
  if (fields['format'] !== format) throw invalid('format');
  if (fields['formatVersion'] !== formatVersion) throw invalid('formatVersion');
  const jobId = text(fields['jobId'], 'jobId');
  if (!isJobId(jobId)) throw invalid('jobId');
  const optimizer = optimizerKinds.find((kind) => kind === fields['optimizer']);
  if (optimizer === undefined) throw invalid('optimizer');
  return {
    jobId,
    version: count(fields['version'], 'version'),
    optimizer,
    tensors: list(fields['tensors'], 'tensors').map(tensorFrom),
    parameters: hash(fields['parameters'], 'parameters'),
    published: hash(fields['published'], 'published'),
    slots: list(fields['slots'], 'slots').map((slot, index) => {
      const path = `slots[${index}]`;
      const { name, hash: slotHash } = record(slot, path);
      return { name: text(name, `${path}.name`), hash: hash(slotHash, `${path}.hash`) };
    }),
    scalars: list(fields['scalars'], 'scalars').map((scalar, index) => {
      if (typeof scalar !== 'number') throw invalid(`scalars[${index}]`);
      return scalar;
    }),
  };
}

function tensorFrom(value: unknown, index: number): TensorDeclaration {
  const path = `tensors[${index}]`;
  const fields = record(value, path);
  const name = text(fields['name'], `${path}.name`);
  const shape = list(fields['shape'], `${path}.shape`).map((size) => count(size, `${path}.shape`));
  const role = fields['role'];
  if (role === undefined) return { name, shape };
  if (!isTensorRole(role)) throw invalid(`${path}.role`);
  return { name, shape, role };
}

function isTensorRole(value: unknown): value is TensorRole {
  return value === 'trainable' || value === 'statistic';
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('the document');
  }
}

function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field);
  return value as Record<string, unknown>;
}

function list(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field);
  return value;
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(field);
  return value;
}

function hash(value: unknown, field: string): BlobHash {
  const digits = text(value, field);
  if (!isBlobHash(digits)) throw invalid(field);
  return digits;
}

function count(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(field);
  return value;
}

function invalid(field: string): GradswarmError {
  return new GradswarmError('corrupted', `The checkpoint manifest is malformed at ${field}.`, field);
}
