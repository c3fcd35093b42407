import { GradswarmError } from '../base/errors.ts';
import type { BpeTokenizer, CharacterTokenizer, TokenDataset } from './dataset-manifest.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

export interface Tokenizer {
  readonly vocabularySize: number;
  /** @throws GradswarmError `dataInvalid` for a character that the data set does not have. */
  encode(text: string): number[];
  /** Tokens outside the vocabulary, and bytes that are not UTF-8, become U+FFFD. */
  decode(tokens: ArrayLike<number>): string;
}

export function createTokenizer(tokenizer: TokenDataset['tokenizer']): Tokenizer {
  return tokenizer.kind === 'characters'
    ? createCharacterTokenizer(tokenizer)
    : createBpeTokenizer(tokenizer);
}

function createCharacterTokenizer({ characters }: CharacterTokenizer): Tokenizer {
  const tokens = new Map(characters.map((character, token) => [character, token]));
  return {
    vocabularySize: characters.length,
    encode: (text) =>
      Array.from(text, (character) => {
        const token = tokens.get(character);
        if (token !== undefined) return token;
        throw new GradswarmError(
          'dataInvalid',
          `The data set has no character ${JSON.stringify(character)}.`,
        );
      }),
    decode: (encoded) => Array.from(encoded, (token) => characters[token] ?? '\ufffd').join(''),
  };
}

const byteTokens = 256;

/**
 * Byte-pair encoding (Sennrich et al. 2016) over UTF-8 bytes, merges applied in the order in which they were learned.
 * Merges never join two of the pieces that `splitPieces` gives.
 */
function createBpeTokenizer({ merges }: BpeTokenizer): Tokenizer {
  const vocabularySize = byteTokens + merges.length;
  const ranks = new Map(merges.map(([left, right], rank) => [left * vocabularySize + right, rank]));
  const bytesOf: number[][] = Array.from({ length: byteTokens }, (_, byte) => [byte]);
  for (const [left, right] of merges) bytesOf.push([...(bytesOf[left] ?? []), ...(bytesOf[right] ?? [])]);
  const known = new Map<string, readonly number[]>();

  const encodePiece = (piece: string): readonly number[] => {
    const found = known.get(piece);
    if (found) return found;
    const tokens = mergePairs([...encodeUtf8(piece)], ranks, vocabularySize);
    if (known.size < piecesKnownMax) known.set(piece, tokens);
    return tokens;
  };

  return {
    vocabularySize,
    encode: (text) => {
      const tokens: number[] = [];
      for (const piece of splitPieces(text)) for (const token of encodePiece(piece)) tokens.push(token);
      return tokens;
    },
    decode: (encoded) => decodeUtf8(Array.from(encoded, (token) => bytesOf[token] ?? brokenByte).flat()),
  };
}

/** Pieces whose tokens are remembered; texts repeat their words. */
const piecesKnownMax = 65_536;
/** A byte that no UTF-8 text holds. */
const brokenByte: readonly number[] = [0xff];

/** Joins the pair that was learned first, everywhere, until no learned pair is left. */
function mergePairs(bytes: number[], ranks: ReadonlyMap<number, number>, vocabularySize: number): number[] {
  let tokens = bytes;
  while (tokens.length > 1) {
    let lowest = Number.POSITIVE_INFINITY;
    for (let place = 0; place + 1 < tokens.length; place++) {
      const rank = ranks.get(tokens[place]! * vocabularySize + tokens[place + 1]!);
      if (rank !== undefined && rank < lowest) lowest = rank;
    }
    if (lowest === Number.POSITIVE_INFINITY) break;
    tokens = joinRank(tokens, ranks, vocabularySize, lowest);
  }
  return tokens;
}

function joinRank(
  tokens: readonly number[],
  ranks: ReadonlyMap<number, number>,
  vocabularySize: number,
  rank: number,
): number[] {
  const joined: number[] = [];
  for (let place = 0; place < tokens.length; place++) {
    const left = tokens[place]!;
    const isPair =
      place + 1 < tokens.length && ranks.get(left * vocabularySize + tokens[place + 1]!) === rank;
    joined.push(isPair ? byteTokens + rank : left);
    if (isPair) place++;
  }
  return joined;
}

const piecePattern =
  / ?[A-Za-z\u0080-\u{10ffff}]+| ?[0-9]{1,3}| ?[!-/:-@[-`{-~]+|[^!-~\u0080-\u{10ffff}]+?/gu;

/**
 * Words with the space before them, numbers of up to three digits, punctuation, single blanks: joined, they are
 * the text. Told apart by ASCII alone, so that every engine, whatever its version of Unicode, cuts alike.
 */
export function splitPieces(text: string): string[] {
  return text.match(piecePattern) ?? [];
}
