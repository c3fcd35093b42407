import { limits } from '../../../shared/base/limits.ts';
import { type Batch, decodeBatch } from './batch.ts';
import type { CallOptions, EtcdGateway } from './gateway.ts';
import { getKey, getRange, type KeyValue, readTransaction } from './gateway-messages.ts';
import { type EtcdKeys, endOf, padIndex } from './keys.ts';
import { decodeMember, type EtcdMember, type Leader, type RosterState } from './roster.ts';
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
  readonly roster: RosterState;
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
    getKey(keys.snapshot),
    getKey(keys.leader),
    getKey(keys.successor),
    getRange(keys.members, endOf(keys.members), limits.etcdMembersMax),
  ];
  const answer = readTransaction(await gateway.call('/v3/kv/txn', { success: reads }, options));
  const [entries, head, snapshot, leader, successor, members] = answer.ranges;
  return {
    revision: answer.revision,
    batches: (entries?.pairs ?? []).map(readBatch),
    isComplete: entries?.hasMore !== true,
    headIndex: head?.pairs[0] && readIndex(head.pairs[0].value),
    roster: {
      leader: leader?.pairs[0] && readLeader(leader.pairs[0]),
      members: new Map((members?.pairs ?? []).map(readMember).map((member) => [member.id, member])),
      successor: successor?.pairs[0] && readText(successor.pairs[0]),
    },
    snapshot: snapshot?.pairs[0] && decodeReference(keys.snapshot, snapshot.pairs[0].value),
  };
}

export function readBatch({ key, value }: KeyValue): StoredBatch {
  return { batch: decodeBatch(key, value), bytes: value.length };
}

export function readLeader(pair: KeyValue): Leader {
  return { epoch: pair.createRevision, id: readText(pair), lease: pair.lease };
}

export function readMember({ key, value }: KeyValue): EtcdMember {
  return decodeMember(key, value);
}

export function readText({ value }: KeyValue): string {
  return new TextDecoder().decode(value);
}

export function readIndex(value: Uint8Array): number {
  return Number(new TextDecoder().decode(value));
}
