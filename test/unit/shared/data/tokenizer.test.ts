import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainBpe } from '../../../../client/cli/import/train-bpe.ts';
import { createTokenizer, splitPieces } from '../../../../shared/data/tokenizer.ts';
import { decodeUtf8, encodeUtf8 } from '../../../../shared/data/utf8.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 60 });

describe('UTF-8 in pure code', () => {
  it('agrees with TextEncoder and TextDecoder on any text and any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) })),
        (text) => {
          expect([...encodeUtf8(text)]).toEqual([...new TextEncoder().encode(text)]);
        },
      ),
      { numRuns: 2_000 },
    );
    const nearlyUtf8 = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc
        .array(fc.constantFrom(0x41, 0x80, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff))
        .map((bytes) => Uint8Array.from(bytes)),
    );
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    fc.assert(
      fc.property(nearlyUtf8, (bytes) => {
        expect(decodeUtf8(bytes)).toBe(decoder.decode(bytes));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the character tokenizer', () => {
  const tokenizer = createTokenizer({ kind: 'characters', characters: ['a', 'b', '🐳'] });

  it('maps code points to their place in the list and back', () => {
    expect(tokenizer.vocabularySize).toBe(3);
    expect(tokenizer.encode('ab🐳a')).toEqual([0, 1, 2, 0]);
    expect(tokenizer.decode([0, 1, 2, 0])).toBe('ab🐳a');
    expect(tokenizer.decode([0, 7])).toBe('a\ufffd');
  });

  it('names a character that it does not have', () => {
    expect(() => tokenizer.encode('abc')).toThrow(/"c"/);
  });
});

describe('the byte-pair tokenizer', () => {
  const learned = trainBpe('low lower lowest newest widest '.repeat(20), 300);

  it('cuts any text into pieces that make it up again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(splitPieces(text).join('')).toBe(text);
      }),
    );
    expect(splitPieces("It's 1851, Ishmael.\n\n  Call")).toEqual([
      'It',
      "'",
      's',
      ' 185',
      '1',
      ',',
      ' Ishmael',
      '.',
      '\n',
      '\n',
      ' ',
      ' Call',
    ]);
  });

  it('gives any text back', () => {
    const tokenizer = createTokenizer(learned);
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it('applies merges in the order in which they were learned', () => {
    const [a, b, c] = [97, 98, 99];
    const tokenizer = createTokenizer({
      kind: 'bpe',
      merges: [
        [b, c],
        [a, b],
        [a, 256],
      ],
    });
    expect(tokenizer.encode('abc')).toEqual([258]);
    expect(tokenizer.encode('abab')).toEqual([257, 257]);
    expect(tokenizer.encode('bcbc')).toEqual([256, 256]);
  });

  it('learns whole words that occur often', () => {
    const tokenizer = createTokenizer(learned);
    expect(tokenizer.encode(' lowest')).toHaveLength(1);
    expect(tokenizer.encode(' newest').length).toBeLessThan(4);
  });

  it('counts as a plain recount after every merge would', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 120 }), (text) => {
        expect(trainBpe(text, 266).merges).toEqual(trainSlowly(text, 10));
      }),
      { numRuns: 300 },
    );
  });
});

/** The oracle: counts every pair of every piece anew for each merge. */
function trainSlowly(text: string, mergesMax: number): [number, number][] {
  let pieces = splitPieces(text).map((piece) => [...new TextEncoder().encode(piece)]);
  const merges: [number, number][] = [];
  while (merges.length < mergesMax) {
    const counts = new Map<number, number>();
    for (const piece of pieces) {
      for (let place = 0; place + 1 < piece.length; place++) {
        const pair = (piece[place] ?? 0) * 65_536 + (piece[place + 1] ?? 0);
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const ordered = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
    const [pair = 0, count = 0] = ordered[0] ?? [];
    if (count < 2) break;
    const [left, right] = [Math.floor(pair / 65_536), pair % 65_536];
    merges.push([left, right]);
    pieces = pieces.map((piece) => {
      const joined: number[] = [];
      for (let place = 0; place < piece.length; place++) {
        const isPair = piece[place] === left && piece[place + 1] === right;
        joined.push(isPair ? 255 + merges.length : (piece[place] ?? 0));
        if (isPair) place++;
      }
      return joined;
    });
  }
  return merges;
}
