import { assert } from '../../base/assert.ts';
import { GradswarmError } from '../../base/errors.ts';
import { merge } from '../../tensor/grid.ts';
import { packSums, unpackSums } from '../../tensor/packed-sums.ts';
import {
  chunkReceived,
  chunkSent,
  chunkSpan,
  isReduceStep,
  type RingLayout,
  ringSteps,
  type Span,
  segmentSpan,
  segmentsOf,
  segmentsReceived,
} from './ring-layout.ts';
import { decodeRingMessage, encodeRingMessage, type RingIdentity, type RingMessage } from './ring-message.ts';

export interface RingExchangeOptions {
  readonly identity: RingIdentity;
  readonly layout: RingLayout;
  /** Of this member in the ring. */
  readonly position: number;
  /** Sum of this member's units; becomes the sum of all members' units. */
  readonly sum: Float64Array;
  /** What the units of all members weigh together. */
  readonly weight: number;
  readonly checksum: (bytes: Uint8Array, previous?: number) => number;
}

/**
 * One member's part in one ring epoch, without a clock or a wire: messages in, messages out. Sums are exact, so the
 * result has the same bits for any number of members and any split of the units among them.
 */
export interface RingExchange {
  /** The next message for the successor, if one is due now. */
  next(): Uint8Array | undefined;
  /**
   * A message of the predecessor.
   * @throws GradswarmError `malformedFrame`, `checksumMismatch`, `staleEpoch` (another leader), `wrongRound`,
   * `staleRing` (another ring epoch), `wrongChunk`, `duplicate`, `wrongLength`, `badRequest`; then nothing has changed.
   */
  receive(bytes: Uint8Array): void;
  /** Everything was received and handed out: `sum` is the whole sum. */
  readonly isDone: boolean;
  /** Segments still to come, for people. */
  readonly segmentsMissing: number;
  /** Segments that were not handed out yet. */
  readonly segmentsUnsent: number;
}

interface Outgoing {
  readonly step: number;
  readonly segment: number;
}

export function createRingExchange(options: RingExchangeOptions): RingExchange {
  const { identity, layout, position, sum, weight, checksum } = options;
  assert(sum.length === layout.length && layout.members >= 2, 'the layout is that of the sum');
  const outgoing: Outgoing[] = [];
  /** `step:segment` of what was taken, and of what was handed out. */
  const taken = new Set<string>();
  const handedOut = new Set<string>();
  let missing = segmentsReceived(layout, position);
  const scratch = new Float64Array(layout.segmentValues);

  const queue = (step: number): void => {
    const segments = segmentsOf(layout, chunkSent(layout, position, step));
    for (let segment = 0; segment < segments; segment++) outgoing.push({ step, segment });
  };
  queue(0);

  const take = (message: RingMessage): void => {
    const { step, payload } = message;
    const chunk = chunkReceived(layout, position, step);
    const segment = (message.start - chunkSpan(layout, chunk).start) / layout.segmentValues;
    const key = `${step}:${segment}`;
    if (taken.has(key)) throw new GradswarmError('duplicate', `Segment ${key} came already.`);
    const span = checkSpan(layout, message, chunk, segment);
    checkTurn(step, segment, chunk);
    const values = scratch.subarray(0, span.end - span.start);
    unpackSums(payload, values, weight);
    const target = sum.subarray(span.start, span.end);
    if (isReduceStep(layout, step)) merge(target, values);
    else target.set(values);
    taken.add(key);
    missing -= 1;
    if (step + 1 < ringSteps(layout)) outgoing.push({ step: step + 1, segment });
  };

  /** What is gathered replaces what this member has summed, so that must be on its way before. */
  const checkTurn = (step: number, segment: number, chunk: number): void => {
    if (isReduceStep(layout, step) || handedOut.has(`${step - layout.members + 1}:${segment}`)) return;
    throw wrongChunk(step, chunk);
  };

  return {
    next() {
      const due = outgoing.shift();
      if (due === undefined) return undefined;
      const { step, segment } = due;
      handedOut.add(`${step}:${segment}`);
      const { start, end } = segmentSpan(layout, chunkSent(layout, position, step), segment);
      const payload = packSums(sum.subarray(start, end));
      return encodeRingMessage({ ...identity, position, step, start, count: end - start, payload }, checksum);
    },
    receive(bytes) {
      const message = decodeRingMessage(bytes, checksum);
      checkIdentity(identity, message);
      const predecessor = (position + layout.members - 1) % layout.members;
      if (message.position !== predecessor || message.step >= ringSteps(layout)) {
        throw wrongChunk(message.step, message.position);
      }
      take(message);
    },
    get isDone() {
      return missing === 0 && outgoing.length === 0;
    },
    get segmentsMissing() {
      return missing;
    },
    get segmentsUnsent() {
      // What this member sends is what its successor receives.
      return segmentsReceived(layout, position + 1) - handedOut.size;
    },
  };
}

function checkIdentity(own: RingIdentity, theirs: RingIdentity): void {
  if (theirs.epoch !== own.epoch) {
    throw new GradswarmError('staleEpoch', `A message of epoch ${theirs.epoch}; this is epoch ${own.epoch}.`);
  }
  if (theirs.round !== own.round || theirs.ringId !== own.ringId) {
    throw new GradswarmError('wrongRound', `A message of round ${theirs.round}; this is round ${own.round}.`);
  }
  if (theirs.ringEpoch !== own.ringEpoch) {
    throw new GradswarmError(
      'staleRing',
      `A message of ring epoch ${theirs.ringEpoch}; this is ring epoch ${own.ringEpoch}.`,
    );
  }
}

/** @throws GradswarmError `wrongChunk` when the message is no segment of the chunk. */
function checkSpan(layout: RingLayout, message: RingMessage, chunk: number, segment: number): Span {
  const isSegment = Number.isInteger(segment) && segment >= 0 && segment < segmentsOf(layout, chunk);
  const span = isSegment ? segmentSpan(layout, chunk, segment) : { start: 0, end: 0 };
  if (!isSegment || span.end - span.start !== message.count) throw wrongChunk(message.step, chunk);
  return span;
}

function wrongChunk(step: number, chunk: number): GradswarmError {
  return new GradswarmError('wrongChunk', `In step ${step} this part of chunk ${chunk} was not due.`);
}
