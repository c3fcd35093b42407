import { describe, expect, it } from 'vitest';
import {
  formatSignal,
  type PeerSignal,
  parseSignal,
} from '../../../../../../client/worker/ring/peers/peer-signal.ts';
import { limits } from '../../../../../../shared/base/limits.ts';

const candidate = 'candidate:1 1 UDP 2114977791 192.0.2.2 54754 typ host';

describe('a signal between neighbours', () => {
  it.each<PeerSignal>([
    { kind: 'offer', sdp: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n' },
    { kind: 'answer', sdp: 'v=0\r\n' },
    { kind: 'candidate', of: 'offer', candidate, sdpMid: '0' },
    { kind: 'candidate', of: 'answer', candidate, sdpMid: '' },
  ])('is read as it was written: $kind', (signal) => {
    expect(parseSignal(formatSignal(signal))).toEqual(signal);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a number', 7],
    ['another kind', { kind: 'hello' }],
    ['an offer without a description', { kind: 'offer' }],
    ['an answer that is no description', { kind: 'answer', sdp: 'hello' }],
    ['a candidate of neither side', { kind: 'candidate', of: 'both', candidate, sdpMid: '0' }],
    ['a candidate that is none', { kind: 'candidate', of: 'offer', candidate: 'hello', sdpMid: '0' }],
    [
      'a candidate of two lines',
      { kind: 'candidate', of: 'offer', candidate: `${candidate}\r\na=x`, sdpMid: '0' },
    ],
    [
      'a long candidate',
      { kind: 'candidate', of: 'offer', candidate: candidate.padEnd(600, 'x'), sdpMid: '0' },
    ],
    ['a candidate without its line', { kind: 'candidate', of: 'offer', candidate }],
    ['a candidate with a long line', { kind: 'candidate', of: 'offer', candidate, sdpMid: 'x'.repeat(17) }],
  ])('is refused when it is %s', (_, value) => {
    expect(() => parseSignal(JSON.stringify(value))).toThrow(expect.objectContaining({ code: 'badRequest' }));
  });

  it('is refused when it is no JSON, and when it is too long to look at', () => {
    expect(() => parseSignal('{')).toThrow(expect.objectContaining({ code: 'badRequest' }));
    const long = JSON.stringify({ kind: 'offer', sdp: `v=0${'x'.repeat(limits.ringSignalBytesMax)}` });
    expect(() => parseSignal(long)).toThrow(expect.objectContaining({ code: 'tooLarge' }));
  });
});
