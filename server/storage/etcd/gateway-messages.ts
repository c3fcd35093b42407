import { EtcdError } from './etcd-error.ts';

/** The messages of etcd's JSON gateway that the log uses: bytes are base64, 64-bit integers are decimal strings. */
export type JsonObject = { readonly [name: string]: unknown };

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision at which the key came into being; grows over the whole of etcd, and is never used again. */
  readonly createRevision: number;
  /** Revision of the last change; of a deletion, the revision that deleted it. */
  readonly modRevision: number;
  /** The lease that the key lives by; `0` for none. */
  readonly lease: string;
}

export interface RangeResult {
  readonly pairs: readonly KeyValue[];
  /** The limit cut the range short. */
  readonly hasMore: boolean;
}

export interface TransactionResult {
  readonly succeeded: boolean;
  /** etcd's revision after the transaction. */
  readonly revision: number;
  /** One for each range of the branch that was taken, in order. */
  readonly ranges: readonly RangeResult[];
}

export interface WatchEvent {
  readonly isDelete: boolean;
  readonly pair: KeyValue;
}

export interface WatchAnswer {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  /** The watch was to begin at a revision that is no longer kept. */
  readonly isCompacted: boolean;
  readonly isCancelled: boolean;
}

function base64(content: string | Uint8Array): string {
  return (
    typeof content === 'string'
      ? Buffer.from(content)
      : Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  ).toString('base64');
}

// ---- Requests -----------------------------------------------------------------------------------------------------

export function compareCreateRevision(key: string, revision: number): JsonObject {
  return { target: 'CREATE', result: 'EQUAL', key: base64(key), create_revision: String(revision) };
}

export function compareValue(key: string, value: string): JsonObject {
  return { target: 'VALUE', result: 'EQUAL', key: base64(key), value: base64(value) };
}

export function put(key: string, value: string | Uint8Array, lease = '0'): JsonObject {
  return { request_put: { key: base64(key), value: base64(value), lease } };
}

export function getKey(key: string): JsonObject {
  return { request_range: { key: base64(key) } };
}

/** Keys from `from` up to, and without, `end`, in order. */
export function getRange(from: string, end: string, limit: number): JsonObject {
  return {
    request_range: {
      key: base64(from),
      range_end: base64(end),
      limit: String(limit),
      sort_order: 'ASCEND',
      sort_target: 'KEY',
    },
  };
}

export function deleteKey(key: string): JsonObject {
  return { request_delete_range: { key: base64(key) } };
}

export function deleteRange(from: string, end: string): JsonObject {
  return { request_delete_range: { key: base64(from), range_end: base64(end) } };
}

/** Large answers come in pieces, so that one line stays near the size of one value. */
export function watchRange(from: string, end: string, startRevision: number): JsonObject {
  return {
    create_request: {
      key: base64(from),
      range_end: base64(end),
      start_revision: String(startRevision),
      fragment: true,
    },
  };
}

// ---- Answers ------------------------------------------------------------------------------------------------------

export function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

/** Fields at their zero value are left out by the gateway. */
export function asInteger(value: unknown): number {
  const number = Number(value ?? 0);
  if (Number.isSafeInteger(number)) return number;
  throw new EtcdError('unexpected', `etcd answered ${String(value)} where a number belongs.`);
}

function asObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(asObject) : [];
}

function asBytes(value: unknown): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'base64') : new Uint8Array();
}

function readPair(pair: JsonObject): KeyValue {
  return {
    key: new TextDecoder().decode(asBytes(pair['key'])),
    value: asBytes(pair['value']),
    createRevision: asInteger(pair['create_revision']),
    modRevision: asInteger(pair['mod_revision']),
    // Longer than a double holds, so it stays text.
    lease: String(pair['lease'] ?? '0'),
  };
}

function readRange(answer: JsonObject): RangeResult {
  return { pairs: asObjects(answer['kvs']).map(readPair), hasMore: answer['more'] === true };
}

function readRevision(answer: JsonObject): number {
  return asInteger(asObject(answer['header'])['revision']);
}

export function readTransaction(answer: JsonObject): TransactionResult {
  return {
    succeeded: answer['succeeded'] === true,
    revision: readRevision(answer),
    ranges: asObjects(answer['responses'])
      .filter((response) => 'response_range' in response)
      .map((response) => readRange(asObject(response['response_range']))),
  };
}

export function readWatchAnswer(answer: JsonObject): WatchAnswer {
  return {
    revision: readRevision(answer),
    events: asObjects(answer['events']).map((event) => ({
      isDelete: event['type'] === 'DELETE',
      pair: readPair(asObject(event['kv'])),
    })),
    isCompacted: asInteger(answer['compact_revision']) > 0,
    isCancelled: answer['canceled'] === true,
  };
}
