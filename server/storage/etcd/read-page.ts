import { limits } from '../../../shared/base/limits.ts';
import { type Batch, decodeBatch } from './batch.ts';
import type { CallOptions, EtcdGateway } from './gateway.ts';
import { getKey, getRange, type KeyValue, readTransaction } from './gateway-messages.ts';
import { type EtcdKeys, endOf, padIndex } from './keys.ts';
import type { Leader } from './log-view.ts';
import { decodeReference, type SnapshotReference } from './snapshot-reference.ts';

export interface StoredBatch {
  readonly batch: Batch;
  readonly bytes: number;
}

/** Some of the log after an index, and all else that is watched, as they were at one revision. */
export interface Page {
  readonly revision: number;
  readonly batches: readonly StoredBatch[];
  /** The log ends with this page. */
  readonly isComplete: boolean;
  /** Undefined when the keys of the log have gone. */
  readonly headIndex: number | undefined;
  readonly leader: Leader | undefined;
  readonly snapshot: SnapshotReference | undefined;
}

/** A linearizable read. @throws EtcdError, GradswarmError `corrupted`. */
export async function readPage(
  gateway: EtcdGateway,
  keys: EtcdKeys,
  afterIndex: number,
  options: CallOptions,
  valuesMax: number = limits.etcdPageValuesMax,
): Promise<Page> {
  const from = `${keys.log}${padIndex(afterIndex + 1)}`;
  const reads = [
    getRange(from, endOf(keys.log), valuesMax),
    getKey(keys.head),
    getKey(keys.leader),
    getKey(keys.snapshot),
  ];
  const answer = readTransaction(await gateway.call('/v3/kv/txn', { success: reads }, options));
  const [entries, head, leader, snapshot] = answer.ranges;
  return {
    revision: answer.revision,
    batches: (entries?.pairs ?? []).map(readBatch),
    isComplete: entries?.hasMore !== true,
    headIndex: head?.pairs[0] && readIndex(head.pairs[0].value),
    leader: leader?.pairs[0] && readLeader(leader.pairs[0]),
    snapshot: snapshot?.pairs[0] && decodeReference(keys.snapshot, snapshot.pairs[0].value),
  };
}

export function readBatch({ key, value }: KeyValue): StoredBatch {
  return { batch: decodeBatch(key, value), bytes: value.length };
}

export function readLeader({ createRevision, value, lease }: KeyValue): Leader {
  return { epoch: createRevision, identity: new TextDecoder().decode(value), lease };
}

export function readIndex(value: Uint8Array): number {
  return Number(new TextDecoder().decode(value));
}
