import { describe, expect, it } from 'vitest';
import {
  chunkReceived,
  chunkSent,
  chunkSpan,
  isReduceStep,
  type RingLayout,
  ringSteps,
  segmentSpan,
  segmentsOf,
  segmentsReceived,
} from '../../../../../shared/sync/ring/ring-layout.ts';

const layout = (members: number, length: number, segmentValues = 4): RingLayout => ({
  members,
  length,
  segmentValues,
});

describe('the layout of a ring', () => {
  it.each<[number, number, string]>([
    [2, 5, '0-2 2-5'],
    [3, 9, '0-3 3-6 6-9'],
    [4, 10, '0-2 2-5 5-7 7-10'],
    [3, 2, '0-0 0-1 1-2'],
    [5, 0, '0-0 0-0 0-0 0-0 0-0'],
  ])('cuts for %i members a vector of %i values', (members, length, expected) => {
    const spans = Array.from({ length: members }, (_, chunk) => chunkSpan(layout(members, length), chunk));
    expect(spans.map(({ start, end }) => `${start}-${end}`).join(' ')).toBe(expected);
  });

  it('cuts a chunk into segments, the last one shorter', () => {
    const twoByTen = layout(2, 20);
    expect(segmentsOf(twoByTen, 1)).toBe(3);
    expect([0, 1, 2].map((segment) => segmentSpan(twoByTen, 1, segment))).toEqual([
      { start: 10, end: 14 },
      { start: 14, end: 18 },
      { start: 18, end: 20 },
    ]);
    expect(segmentsOf(layout(3, 2), 0)).toBe(0);
    expect(segmentsReceived(twoByTen, 0)).toBe(6);
  });

  it('sends these chunks in the steps of a ring of three', () => {
    const three = layout(3, 9);
    expect(ringSteps(three)).toBe(4);
    const table = [0, 1, 2, 3].map((step) =>
      [0, 1, 2].map(
        (position) => `${chunkSent(three, position, step)}<${chunkReceived(three, position, step)}`,
      ),
    );
    expect(table).toEqual([
      ['0<2', '1<0', '2<1'],
      ['2<1', '0<2', '1<0'],
      ['1<0', '2<1', '0<2'],
      ['0<2', '1<0', '2<1'],
    ]);
    expect([0, 1, 2, 3].map((step) => isReduceStep(three, step))).toEqual([true, true, false, false]);
  });

  it.each([2, 3, 4, 7, 16])('adds every chunk %i - 1 times, and brings it everywhere', (members) => {
    const ring = layout(members, 100);
    for (let position = 0; position < members; position++) {
      const received = Array.from({ length: ringSteps(ring) }, (_, step) =>
        chunkReceived(ring, position, step),
      );
      const all = Array.from({ length: members }, (_, chunk) => chunk);
      expect([...received.slice(0, members - 1), position].sort((a, b) => a - b)).toEqual(all);
      const complete = (position + 1) % members;
      expect([...received.slice(members - 1), complete].sort((a, b) => a - b)).toEqual(all);
    }
  });
});
