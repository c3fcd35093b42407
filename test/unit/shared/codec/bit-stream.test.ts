import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBitReader, createBitWriter } from '../../../../shared/codec/bit-stream.ts';

const entries = fc.array(
  fc
    .integer({ min: 0, max: 16 })
    .chain((bits) =>
      fc.record({ bits: fc.constant(bits), value: fc.integer({ min: 0, max: 2 ** bits - 1 }) }),
    ),
  { maxLength: 60 },
);

test('what was written is read again, and nothing lies behind it', () => {
  fc.assert(
    fc.property(entries, (values) => {
      const total = values.reduce((sum, { bits }) => sum + bits, 0);
      const bytes = new Uint8Array(Math.ceil(total / 8));
      const writer = createBitWriter(bytes);
      for (const { value, bits } of values) writer.write(value, bits);
      // The oracle: all bits as text, lowest first.
      const text = values
        .map(({ value, bits }) =>
          [
            ...value
              .toString(2)
              .padStart(bits, '0')
              .slice(-bits || 99),
          ]
            .reverse()
            .join('')
            .slice(0, bits),
        )
        .join('');
      const packed = [...bytes]
        .map((byte) => [...byte.toString(2).padStart(8, '0')].reverse().join(''))
        .join('');
      expect(packed).toBe(text.padEnd(packed.length, '0'));
      const reader = createBitReader(bytes);
      for (const { value, bits } of values) expect(reader.read(bits)).toBe(value);
      expect(reader.restIsZero()).toBe(true);
    }),
  );
});

test('a bit behind the last value is noticed', () => {
  const reader = createBitReader(Uint8Array.of(0b1000_0111));
  reader.read(3);
  expect(reader.restIsZero()).toBe(false);
});
