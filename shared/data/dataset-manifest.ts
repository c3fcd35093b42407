import type { BlobHash } from '../base/ids.ts';

/** How a column's bytes are stored, little-endian. */
export type ColumnType = 'uint8' | 'uint16' | 'float32';

/**
 * One column of a record. Values are used as `stored * scale + offset`; standardised CSV columns are already float32
 * with scale 1 and offset 0.
 */
export interface Column {
  readonly type: ColumnType;
  /** Shape of one record's value, without the batch; `[]` is a scalar. */
  readonly shape: readonly number[];
  readonly scale: number;
  readonly offset: number;
}

export interface Shard {
  readonly hash: BlobHash;
  /** Records, or tokens in a `tokens` data set. */
  readonly count: number;
  readonly bytes: number;
}

export interface Split {
  readonly shards: readonly Shard[];
  readonly count: number;
}

interface DatasetBase {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly train: Split;
  readonly test: Split;
}

/** A standardised column holds `(value - mean) / deviation`, both taken over the training records. */
export interface ColumnStatistics {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Records of inputs and a target. A shard holds the input column of all its records, then the target column:
 * `count * bytes(input)` bytes, then `count * bytes(target)` bytes. Rows were shuffled at import, so that any few
 * shards resemble the whole.
 */
export interface RecordDataset extends DatasetBase {
  readonly kind: 'records';
  readonly task: 'classification' | 'regression';
  readonly input: Column;
  /** Classification: one class index. Regression: `[columns]` floats. */
  readonly target: Column;
  /** Classes, or target columns. */
  readonly outputSize: number;
  readonly classNames?: readonly string[];
  /** Names of CSV input columns after one-hot encoding: `age`, `city=Rome`. */
  readonly inputNames?: readonly string[];
  /** One for each input name; mean 0 and deviation 1 for one-hot columns. */
  readonly inputStatistics?: readonly ColumnStatistics[];
  readonly targetNames?: readonly string[];
  /** Of regression targets, which are standardised too. */
  readonly targetStatistics?: readonly ColumnStatistics[];
}

/** A token stream cut into shards of uint16. A sample is a window inside one shard: `context` inputs and their successors. */
export interface TokenDataset extends DatasetBase {
  readonly kind: 'tokens';
  readonly vocabularySize: number;
  readonly tokenizer: CharacterTokenizer | BpeTokenizer;
}

export interface CharacterTokenizer {
  readonly kind: 'characters';
  /** Token id = index. */
  readonly characters: readonly string[];
}

export interface BpeTokenizer {
  readonly kind: 'bpe';
  /** Bytes 0 to 255 are tokens 0 to 255; merge `i` makes token `256 + i` of two earlier tokens. */
  readonly merges: readonly (readonly [number, number])[];
}

export type DatasetManifest = RecordDataset | TokenDataset;
