import { basename } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { TokenDataset } from '../../../shared/data/dataset-manifest.ts';
import { createTokenizer, type Tokenizer } from '../../../shared/data/tokenizer.ts';
import { type ImportContext, progressPart } from './import-context.ts';
import type { TextImport } from './import-options.ts';
import { readWholeFile } from './read-file.ts';
import { testCountOf } from './split-records.ts';
import { trainBpe } from './train-bpe.ts';
import { writeTokenShards } from './write-shards.ts';

export async function importText(options: TextImport, context: ImportContext): Promise<TokenDataset> {
  const text = await readTexts(options.paths, progressPart(context, 0, 0.1));
  const testText =
    options.testPaths && (await readTexts(options.testPaths, progressPart(context, 0.1, 0.15)));
  const specification = await chooseTokenizer(text, testText ?? '', options.tokenizer, context);
  const tokenizer = createTokenizer(specification);
  const tokens = await encodeInPieces(text, tokenizer, progressPart(context, 0.4, 0.65));
  const testStart =
    testText === undefined ? tokens.length - testCountOf(tokens.length, options.testFraction) : tokens.length;
  const train = tokens.subarray(0, testStart);
  const test =
    testText === undefined
      ? tokens.subarray(testStart)
      : await encodeInPieces(testText, tokenizer, progressPart(context, 0.65, 0.7));
  if (train.length < 2 || test.length < 2) {
    throw new GradswarmError(
      'dataInvalid',
      'The text is too short: both parts need at least two tokens.',
      'paths',
    );
  }
  return {
    kind: 'tokens',
    name: options.name,
    title: options.title ?? options.name,
    source: options.source ?? options.paths.map((path) => basename(path)).join(', '),
    vocabularySize: tokenizer.vocabularySize,
    tokenizer: specification,
    train: await writeTokenShards(train, 'training text', progressPart(context, 0.7, 0.95)),
    test: await writeTokenShards(test, 'test text', progressPart(context, 0.95, 1)),
  };
}

async function readTexts(paths: readonly string[], context: ImportContext): Promise<string> {
  if (paths.length === 0) throw new GradswarmError('badRequest', 'Name at least one text file.', 'paths');
  const texts: string[] = [];
  let characters = 0;
  for (const [place, path] of paths.entries()) {
    await context.step(place / paths.length, `Reading ${basename(path)}`);
    const text = await readText(path);
    characters += text.length;
    if (characters > limits.importTextCharactersMax) {
      throw new GradswarmError(
        'tooLarge',
        `The text has more than ${limits.importTextCharactersMax} characters; import a part of it.`,
        'paths',
      );
    }
    texts.push(paths.length > 1 ? text.trim() : text);
  }
  return texts.join('\n\n');
}

async function readText(path: string): Promise<string> {
  const bytes = await readWholeFile(path, limits.importTextCharactersMax);
  if (bytes.length === 0) throw new GradswarmError('dataInvalid', `${path} is empty.`, path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new GradswarmError(
      'dataInvalid',
      `${path} is not UTF-8 text. Convert it, for example with: iconv -f latin1 -t utf-8.`,
      path,
    );
  }
}

/** Merges are learned from the training text alone; characters must be known in both. */
async function chooseTokenizer(
  text: string,
  testText: string,
  wanted: TextImport['tokenizer'],
  context: ImportContext,
): Promise<TokenDataset['tokenizer']> {
  await context.step(0.15, 'Building the vocabulary');
  if (wanted.kind === 'bpe') {
    const { vocabularySize } = wanted;
    if (
      !(Number.isInteger(vocabularySize) && vocabularySize > 256 && vocabularySize <= limits.vocabularyMax)
    ) {
      throw new GradswarmError(
        'badRequest',
        `A byte-pair vocabulary has 257 to ${limits.vocabularyMax} tokens.`,
        'tokenizer.vocabularySize',
      );
    }
    return trainBpe(text, vocabularySize);
  }
  const characters = collectCharacters(text, testText);
  if (characters.length <= limits.vocabularyMax) return { kind: 'characters', characters };
  throw new GradswarmError(
    'dataInvalid',
    `The text has ${characters.length} different characters; use the byte-pair tokenizer.`,
    'tokenizer',
  );
}

/** By code point. */
function collectCharacters(...texts: readonly string[]): string[] {
  const codes = new Set<number>();
  for (const text of texts) {
    for (let place = 0; place < text.length; ) {
      const code = text.codePointAt(place) ?? 0;
      codes.add(code);
      place += code > 0xffff ? 2 : 1;
    }
  }
  return [...codes].sort((left, right) => left - right).map((code) => String.fromCodePoint(code));
}

const pieceCharacters = 1024 * 1024;

/** Cut after line breaks, where no token goes across, so that a long text does not stop the process for long. */
async function encodeInPieces(
  text: string,
  tokenizer: Tokenizer,
  context: ImportContext,
): Promise<Uint16Array> {
  const parts: Uint16Array[] = [];
  for (let start = 0; start < text.length; ) {
    await context.step(start / text.length, 'Cutting the text into tokens');
    const lineBreak = text.indexOf('\n', start + pieceCharacters);
    const end = lineBreak === -1 ? text.length : lineBreak + 1;
    parts.push(Uint16Array.from(tokenizer.encode(text.slice(start, end))));
    start = end;
  }
  const tokens = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    tokens.set(part, filled);
    filled += part.length;
  }
  return tokens;
}
