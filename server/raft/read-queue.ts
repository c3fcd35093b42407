import type { Random } from '../../shared/base/random.ts';
import type { NodeId } from './cluster-configuration.ts';

export interface ReadRequest {
  readonly from: NodeId;
  readonly readId: number;
}

/** Reads that one round of heartbeats must confirm, with the commit index at its start. */
export interface ReadAttempt {
  readonly id: number;
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

/** A read that was asked of the leader. */
export interface ForwardedRead {
  readonly attemptId: number;
  readonly readId: number;
  readonly askedAtTick: number;
}

export interface ReadQueue {
  /** Leaders: for the next attempt. */
  waiting: ReadRequest[];
  /** Leaders: ascending. */
  attempts: ReadAttempt[];
  /** Of waiting requests and those of attempts. */
  pending: number;
  /** Followers: ascending. */
  forwarded: ForwardedRead[];
  nextId: number;
  answers: { readonly readId: number; readonly index: number | undefined }[];
}

/**
 * Ids begin at a random place, so that an answer to what this member asked before a restart is not taken for one to
 * what it asks now.
 */
export function createReadQueue(random: Random): ReadQueue {
  const firstId = random.uint32() * idsPerStart + 1;
  return { waiting: [], attempts: [], pending: 0, forwarded: [], nextId: firstId, answers: [] };
}

const idsPerStart = 2 ** 20;

/** The office or the term is gone, or the leader: what was asked must be asked again. */
export function abortReads(reads: ReadQueue, ownId: NodeId): void {
  for (const { requests } of reads.attempts) for (const request of requests) refuse(reads, request, ownId);
  for (const request of reads.waiting) refuse(reads, request, ownId);
  for (const { readId } of reads.forwarded) reads.answers.push({ readId, index: undefined });
  reads.waiting = [];
  reads.attempts = [];
  reads.forwarded = [];
  reads.pending = 0;
}

/** Other members give up by themselves. */
function refuse(reads: ReadQueue, { from, readId }: ReadRequest, ownId: NodeId): void {
  if (from === ownId) reads.answers.push({ readId, index: undefined });
}
