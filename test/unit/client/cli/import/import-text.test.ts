import { describe, expect, it } from 'vitest';
import type { TokenDataset } from '../../../../../shared/data/dataset-manifest.ts';
import { createTokenizer } from '../../../../../shared/data/tokenizer.ts';
import { refusal, runImport, useFolder } from './import-harness.ts';

const file = useFolder();
const characters = { kind: 'characters' } as const;

async function importText(
  text: string,
  tokenizer: { kind: 'characters' } | { kind: 'bpe'; vocabularySize: number },
) {
  const imported = await runImport({ kind: 'text', name: 'text', paths: [file('a.txt', text)], tokenizer });
  const manifest = imported.manifest as TokenDataset;
  const decode = (split: 'train' | 'test') =>
    createTokenizer(manifest.tokenizer).decode(imported.tokens(split));
  return { imported, manifest, train: decode('train'), test: decode('test') };
}

describe('a text import', () => {
  it('keeps every character, the tail as the test split', async () => {
    const text = 'Call me Ishmael. 🐳 Some years ago\n'.repeat(30);
    const { manifest, train, test } = await importText(text, characters);
    expect(train + test).toBe(text);
    expect(manifest.test.count).toBe(Math.round([...text].length / 10));
    expect(manifest.vocabularySize).toBe(new Set(text).size);
    expect(manifest.tokenizer).toMatchObject({
      kind: 'characters',
      characters: [...new Set(text)].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0)),
    });
  });

  it('learns byte pairs, and needs fewer tokens for them', async () => {
    const text = 'the whale and the whale boat and the sea — '.repeat(60);
    const { manifest, train, test } = await importText(text, { kind: 'bpe', vocabularySize: 300 });
    expect(train + test).toBe(text);
    expect(manifest.vocabularySize).toBeLessThanOrEqual(300);
    expect(manifest.train.count + manifest.test.count).toBeLessThan(text.length / 3);
  });

  it('joins files in their order, and takes test files as the test split', async () => {
    const imported = await runImport({
      kind: 'text',
      name: 'text',
      tokenizer: characters,
      paths: [file('b.txt', 'second'), file('a.txt', 'first\n')],
      testPaths: [file('t.txt', 'test?')],
    });
    const { tokenizer } = imported.manifest as TokenDataset;
    expect(createTokenizer(tokenizer).decode(imported.tokens('train'))).toBe('second\n\nfirst');
    expect(createTokenizer(tokenizer).decode(imported.tokens('test'))).toBe('test?');
  });

  it('cuts a long text into shards of about a mebibyte, all of them full', async () => {
    const text = 'abcdefghij'.repeat(200_000);
    const { imported } = await importText(text, characters);
    const counts = imported.manifest.train.shards.map(({ count }) => count);
    expect(counts.length).toBe(4);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(4);
  });

  it('refuses bytes that are not UTF-8, an empty file, and too little text', async () => {
    const base = { kind: 'text', name: 'text', tokenizer: characters } as const;
    const latin1 = file('latin1.txt', Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
    expect((await refusal({ ...base, paths: [latin1] })).message).toMatch(/latin1\.txt is not UTF-8.*iconv/);
    expect((await refusal({ ...base, paths: [file('empty.txt', '')] })).message).toContain('is empty');
    expect((await refusal({ ...base, paths: [file('short.txt', 'ab')] })).message).toContain('too short');
    expect((await refusal({ ...base, paths: [] })).field).toBe('paths');
  });

  it.each([0, 256, 65_537, 300.5])('refuses a byte-pair vocabulary of %d', async (vocabularySize) => {
    const error = await refusal({
      kind: 'text',
      name: 'text',
      paths: [file('a.txt', 'some text')],
      tokenizer: { kind: 'bpe', vocabularySize },
    });
    expect(error).toMatchObject({ code: 'badRequest', field: 'tokenizer.vocabularySize' });
  });

  it.each([0, 1, -0.5, Number.NaN])('refuses a test fraction of %d', async (testFraction) => {
    const error = await refusal({
      kind: 'text',
      name: 'text',
      paths: [file('a.txt', 'some text')],
      tokenizer: characters,
      testFraction,
    });
    expect(error).toMatchObject({ code: 'badRequest', field: 'testFraction' });
  });
});
