import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { sealBytes, sealLink } from '../../../../../server/net/peers/sealed-link.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import type { Link } from '../../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../../shared/protocol/memory-link.ts';

const clusterId = 'c1'.repeat(16);
const a = { clusterId, incarnation: 'aa'.repeat(8), key: new Uint8Array(32).fill(1) };
const b = { clusterId, incarnation: 'bb'.repeat(8), key: new Uint8Array(32).fill(2) };

let tasks: (() => void)[];
let wire: Link;
let received: Uint8Array[];
let closed: { readonly code: number; readonly reason: string } | undefined;

/** `wire` is the raw end of a connection whose other end opens what A sealed. */
beforeEach(() => {
  tasks = [];
  received = [];
  closed = undefined;
  const [raw, other] = createLinkPair((task) => tasks.push(task));
  wire = raw;
  sealLink(other, b, a).onMessage = (body) => received.push(body);
  wire.onClose = (code, reason) => {
    closed = { code, reason };
  };
});

function settle(): void {
  for (let task = tasks.shift(); task; task = tasks.shift()) task();
}

/** The frames that A makes of `bodies`. */
function sealed(bodies: readonly Uint8Array[], options = a): readonly Uint8Array[] {
  const queue: (() => void)[] = [];
  const frames: Uint8Array[] = [];
  const [near, far] = createLinkPair((task) => queue.push(task));
  far.onMessage = (frame) => frames.push(frame);
  const link = sealLink(near, options, b);
  for (const body of bodies) link.send(body);
  for (const task of queue) task();
  return frames;
}

function deliver(frames: readonly Uint8Array[]): void {
  for (const frame of frames) wire.send(frame);
  settle();
}

const body = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a sealed link', () => {
  it('delivers what was sent, in order, at an aligned place', () => {
    const bodies = [body('one'), body(''), body('three')];
    const frames = sealed(bodies);
    expect(frames.map((frame) => frame.length)).toEqual(bodies.map(({ length }) => sealBytes + length));
    expect(sealBytes % 8).toBe(0);
    deliver(frames);
    expect(received).toEqual(bodies);
    expect(closed).toBeUndefined();
  });

  it('says goodbye for either side', () => {
    const [near, far] = createLinkPair((task) => tasks.push(task));
    const link = sealLink(near, a, b);
    const reasons: string[] = [];
    link.onClose = (_, reason) => reasons.push(reason);
    far.close(1000, 'done');
    settle();
    expect(reasons).toEqual(['done']);
  });

  const frames = sealed([body('one'), body('two'), body('three')]);
  const [one, two, three] = [frames[0]!, frames[1]!, frames[2]!];
  it.each<readonly [string, readonly Uint8Array[], number]>([
    ['is repeated', [one, one], 1],
    ['is left out', [one, three], 1],
    ['comes too early', [two, one], 0],
    ['is cut short', [one.subarray(0, sealBytes - 1)], 0],
    ['has lost its end', [one.subarray(0, one.length - 1)], 0],
    ['is empty', [new Uint8Array(0)], 0],
    ['is too long', [new Uint8Array(limits.peerFrameBytesMax + 1)], 0],
    ['comes from another cluster', sealed([body('one')], { ...a, clusterId: 'c2'.repeat(16) }), 0],
    ['comes from another incarnation', sealed([body('one')], { ...a, incarnation: 'ab'.repeat(8) }), 0],
    ['was sealed with another key', sealed([body('one')], { ...a, key: b.key }), 0],
  ])('ends when a frame %s, and delivers nothing more', (_, wrong, deliveredBefore) => {
    deliver(wrong);
    expect(received).toHaveLength(deliveredBefore);
    expect(closed?.reason).toMatch(/^(malformedFrame|tooLarge): /);
    deliver(sealed([body('later')]));
    expect(received).toHaveLength(deliveredBefore);
  });

  it('never delivers a frame in which anything was changed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (text, place, change) => {
          const frame = sealed([text])[0]!;
          frame[place % frame.length]! ^= change;
          const [raw, other] = createLinkPair((task) => task());
          let delivered = 0;
          sealLink(other, b, a).onMessage = () => {
            delivered += 1;
          };
          raw.send(frame);
          expect(delivered).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
