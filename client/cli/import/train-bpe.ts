import type { BpeTokenizer } from '../../../shared/data/dataset-manifest.ts';
import { splitPieces } from '../../../shared/data/tokenizer.ts';
import { encodeUtf8 } from '../../../shared/data/utf8.ts';
import { PairHeap } from './pair-heap.ts';

interface Word {
  readonly tokens: number[];
  readonly count: number;
}

const byteTokens = 256;
/** Pairs are one number, so that they can be keys: tokens are below 2^16. */
const pairBase = 0x10000;

/**
 * Learns merges (Sennrich et al. 2016): again and again the most frequent pair of neighbours becomes a token; among
 * equals the pair of the oldest tokens. Ends early when no pair occurs twice.
 * @param vocabularySize 256 byte tokens and the merges together.
 */
export function trainBpe(text: string, vocabularySize: number): BpeTokenizer {
  const words = countWords(text);
  const counts = new Map<number, number>();
  const places = new Map<number, Set<Word>>();
  for (const word of words) countPairs(word, counts, places);
  const heap = new PairHeap(counts);
  const merges: (readonly [number, number])[] = [];
  while (byteTokens + merges.length < vocabularySize) {
    const pair = heap.takeMost();
    if (pair === undefined) break;
    const left = Math.floor(pair / pairBase);
    const right = pair % pairBase;
    const joined = byteTokens + merges.length;
    merges.push([left, right]);
    const changed = new Set<number>();
    for (const word of places.get(pair) ?? []) joinPair(word, left, right, joined, counts, places, changed);
    for (const other of changed) heap.changed(other);
  }
  return { kind: 'bpe', merges };
}

function countWords(text: string): Word[] {
  const counts = new Map<string, number>();
  for (const piece of splitPieces(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return [...counts].map(([piece, count]) => ({ tokens: [...encodeUtf8(piece)], count }));
}

function countPairs(word: Word, counts: Map<number, number>, places: Map<number, Set<Word>>): void {
  for (let place = 0; place + 1 < word.tokens.length; place++) {
    const pair = word.tokens[place]! * pairBase + word.tokens[place + 1]!;
    counts.set(pair, (counts.get(pair) ?? 0) + word.count);
    const words = places.get(pair);
    if (words) words.add(word);
    else places.set(pair, new Set([word]));
  }
}

/** Takes the word's pairs out of the counts, joins, and puts the new ones in. */
function joinPair(
  word: Word,
  left: number,
  right: number,
  joined: number,
  counts: Map<number, number>,
  places: Map<number, Set<Word>>,
  changed: Set<number>,
): void {
  const { tokens, count } = word;
  for (let place = 0; place + 1 < tokens.length; place++) {
    const pair = tokens[place]! * pairBase + tokens[place + 1]!;
    counts.set(pair, (counts.get(pair) ?? 0) - count);
    changed.add(pair);
  }
  let end = 0;
  for (let place = 0; place < tokens.length; place++) {
    const isPair = tokens[place] === left && tokens[place + 1] === right;
    tokens[end++] = isPair ? joined : tokens[place]!;
    if (isPair) place++;
  }
  tokens.length = end;
  countPairs(word, counts, places);
  for (let place = 0; place + 1 < end; place++) changed.add(tokens[place]! * pairBase + tokens[place + 1]!);
}
