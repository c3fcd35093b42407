/**
 * Ring all-reduce (Patarasuk and Yuan 2009): the vector is cut into as many chunks as there are members. In step s
 * member p sends chunk p - s to its successor and receives chunk p - 1 - s. In the first n - 1 steps (reduce-scatter)
 * the receiver adds, in the other n - 1 (all-gather) it takes over; then everyone holds the whole sum, and everyone has
 * sent 2 (n - 1) / n of a vector. Chunks travel in segments, each of which is forwarded as soon as it came.
 */
export interface RingLayout {
  /** At least 2. */
  readonly members: number;
  /** Values of the vector. */
  readonly length: number;
  /** Values of one segment; the last of a chunk may be shorter. */
  readonly segmentValues: number;
}

/** Values `start` to `end`, the latter excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export function ringSteps({ members }: RingLayout): number {
  return 2 * (members - 1);
}

/** Whether the receiver of this step adds; else it takes over. */
export function isReduceStep({ members }: RingLayout, step: number): boolean {
  return step < members - 1;
}

export function chunkSent({ members }: RingLayout, position: number, step: number): number {
  return modulo(position - step, members);
}

export function chunkReceived(layout: RingLayout, position: number, step: number): number {
  return chunkSent(layout, position - 1, step);
}

/** Chunks differ by one value at most; with fewer values than members some are empty. */
export function chunkSpan({ members, length }: RingLayout, chunk: number): Span {
  return {
    start: Math.floor((chunk * length) / members),
    end: Math.floor(((chunk + 1) * length) / members),
  };
}

export function segmentsOf(layout: RingLayout, chunk: number): number {
  const { start, end } = chunkSpan(layout, chunk);
  return Math.ceil((end - start) / layout.segmentValues);
}

export function segmentSpan(layout: RingLayout, chunk: number, segment: number): Span {
  const { start, end } = chunkSpan(layout, chunk);
  const from = start + segment * layout.segmentValues;
  return { start: from, end: Math.min(from + layout.segmentValues, end) };
}

/** Segments that one member receives in the whole exchange. */
export function segmentsReceived(layout: RingLayout, position: number): number {
  let segments = 0;
  for (let step = 0; step < ringSteps(layout); step++) {
    segments += segmentsOf(layout, chunkReceived(layout, position, step));
  }
  return segments;
}

function modulo(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}
