import { expect, it } from 'vitest';
import { sendingText } from '../../../../client/browser/codec-words.ts';
import { codecKinds } from '../../../../shared/codec/codec-spec.ts';

it('says nothing before an update was sent', () => {
  expect(sendingText({ codec: '', updateBytes: 0, updateValues: 0 })).toBe('');
});

it('says how much of an update is sent, and how much there would be', () => {
  expect(sendingText({ codec: 'topk/64/2', updateBytes: 2_880, updateValues: 101_770 })).toBe(
    'Each update is sent as 2.88 kB: only the largest values. In full it would be 407 kB.',
  );
  expect(sendingText({ codec: 'float32', updateBytes: 400, updateValues: 100 })).toBe(
    'Each update is sent as 400 B: every value in full.',
  );
});

it('has words of its own for every kind of codec, and none for others', () => {
  const texts = codecKinds.map((kind) =>
    sendingText({ codec: `${kind}/1`, updateBytes: 1, updateValues: 1 }),
  );
  expect(new Set(texts).size).toBe(codecKinds.length);
  expect(texts).not.toContain('');
  expect(sendingText({ codec: 'morse', updateBytes: 1, updateValues: 1 })).toBe('');
});
