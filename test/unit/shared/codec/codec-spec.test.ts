import { expect, test } from 'vitest';
import { codecKinds, codecText, parseCodecText } from '../../../../shared/codec/codec-spec.ts';

test.each([
  ['float32', { kind: 'float32' }],
  ['int4', { kind: 'int4' }],
  ['topk/64/2', { kind: 'topk', k: 64, valueBits: 2 }],
  ['topk/4096/8', { kind: 'topk', k: 4_096, valueBits: 8 }],
  ['randomk/1', { kind: 'randomk', k: 1 }],
  ['powersgd/4', { kind: 'powersgd', rank: 4 }],
  ['demo/32/0.999', { kind: 'demo', k: 32, momentum: 0.999 }],
  ['demo/32/0', { kind: 'demo', k: 32, momentum: 0 }],
] as const)('%s is written and read', (text, spec) => {
  expect(codecText(spec)).toBe(text);
  expect(parseCodecText(text)).toEqual(spec);
});

test.each([
  '',
  'gzip',
  'toString',
  'int8/',
  'int8/1',
  'INT8',
  'topk',
  'topk/64',
  'topk/064/2',
  'topk/64/2/',
  'topk/64/3',
  'topk/0/2',
  'topk/4097/2',
  'topk/1e2/2',
  'topk/ 64/2',
  'topk/NaN/2',
  'randomk/0.5',
  'powersgd/65',
  'powersgd/0',
  'demo/1/1',
  'demo/1/-0.1',
  'demo/1/.5',
])('"%s" is refused', (text) => {
  expect(() => parseCodecText(text)).toThrow(expect.objectContaining({ code: 'wrongCodec', field: 'codec' }));
});

test('a refusal names what there is', () => {
  expect(() => parseCodecText('gzip')).toThrow(codecKinds.join(', '));
  expect(() => parseCodecText('topk/9')).toThrow('write topk/K/VALUEBITS');
});
