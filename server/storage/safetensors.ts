import { assert } from '../../shared/base/assert.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { floatsOf } from '../../shared/tensor/bytes.ts';
import {
  createManifest,
  elementCount,
  type ParameterManifest,
  type TensorDeclaration,
} from '../../shared/tensor/manifest.ts';

/** Longest header that the format's own readers take. */
const headerBytesMax = 100_000_000;
const metadataKey = '__metadata__';
const lengthBytes = 8;

/**
 * The first part of a safetensors file: the header's length as a little-endian 64-bit integer, then the header, JSON
 * padded with spaces to a multiple of eight. The little-endian values follow, in the order of the manifest.
 * Format: https://github.com/huggingface/safetensors, "Format".
 */
export function safetensorsHeader(
  manifest: ParameterManifest,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [[metadataKey, metadata]];
  for (const { name, shape, offset, length } of manifest.tensors) {
    entries.push([name, { dtype: 'F32', shape, data_offsets: [4 * offset, 4 * (offset + length)] }]);
  }
  const fields = Object.fromEntries(entries);
  assert(Object.keys(fields).length === entries.length, 'every tensor has a name of its own');
  const json = new TextEncoder().encode(JSON.stringify(fields));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(lengthBytes + padded).fill(0x20, lengthBytes);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, lengthBytes);
  return header;
}

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the values. */
  readonly tensors: readonly TensorDeclaration[];
  /** All values, laid out by the manifest of `tensors`. */
  readonly parameters: Float32Array;
}

/**
 * Reads a file whose tensors are all float32 and lie end to end.
 * @throws GradswarmError `dataInvalid`, naming the tensor or the part of the header.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { fields, valuesStart } = readHeader(bytes);
  const { [metadataKey]: metadata, ...descriptions } = fields;
  const entries = Object.entries(descriptions).map(([name, description]) => readEntry(name, description));
  entries.sort((a, b) => a.start - b.start);
  let position = 0;
  for (const { name, start, end, shape } of entries) {
    if (start !== position || end - start !== 4 * elementCount(shape)) throw invalid(name);
    position = end;
  }
  const values = bytes.subarray(valuesStart);
  if (values.byteLength !== position) throw invalid('the length of the file');
  const tensors = entries.map(({ name, shape }) => ({ name, shape }));
  return { metadata: readMetadata(metadata), tensors, parameters: floatsOf(values).slice() };
}

/** The part of the vector that holds one tensor. @throws GradswarmError `notFound`. */
export function tensorNamed({ tensors, parameters }: SafetensorsFile, name: string): Float32Array {
  const entry = createManifest(tensors).tensors.find((tensor) => tensor.name === name);
  if (entry === undefined) throw new GradswarmError('notFound', `The file has no tensor "${name}".`, name);
  return parameters.subarray(entry.offset, entry.offset + entry.length);
}

function readHeader(bytes: Uint8Array): { fields: Record<string, unknown>; valuesStart: number } {
  if (bytes.byteLength < lengthBytes) throw invalid('the length of the header');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > headerBytesMax || lengthBytes + Number(length) > bytes.byteLength) {
    throw invalid('the length of the header');
  }
  const valuesStart = lengthBytes + Number(length);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(lengthBytes, valuesStart));
    const fields: unknown = JSON.parse(text);
    if (isRecord(fields)) return { fields, valuesStart };
  } catch {
    // Reported below, like JSON of another kind.
  }
  throw invalid('the header');
}

function readEntry(name: string, description: unknown) {
  if (!isRecord(description) || description['dtype'] !== 'F32') throw invalid(name);
  const { shape, data_offsets: offsets } = description;
  if (!isCounts(shape) || !isCounts(offsets)) throw invalid(name);
  const [start, end] = offsets;
  if (start === undefined || end === undefined || offsets.length !== 2) throw invalid(name);
  return { name, shape, start, end };
}

function readMetadata(metadata: unknown): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isRecord(metadata)) throw invalid(metadataKey);
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => {
      if (typeof value !== 'string') throw invalid(metadataKey);
      return [key, value];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function invalid(field: string): GradswarmError {
  return new GradswarmError('dataInvalid', `The safetensors file is malformed at ${field}.`, field);
}
