/** What a person says to `gradswarm dataset import`; paths are local files. */
export type ImportOptions = IdxImport | CsvImport | TextImport | ImageFolderImport;

interface CommonImport {
  readonly name: string;
  /** Default: the name. */
  readonly title?: string;
  /** Where the data comes from, for contributors to read. Default: the file's name. */
  readonly source?: string;
  /** Drives the shuffle and the choice of test records: the same files and seed give the same shards. Default: 1. */
  readonly seed?: number;
  /** Part of the data that is kept for tests, where there are no test files of their own. Default: 0.1. */
  readonly testFraction?: number;
}

/** Images, or any numbers, and labels in the IDX format of MNIST, plain or gzipped. */
export interface IdxImport extends CommonImport {
  readonly kind: 'idx';
  readonly images: string;
  readonly labels: string;
  readonly testImages?: string;
  readonly testLabels?: string;
  readonly classNames?: readonly string[];
}

/** A table with a header row. */
export interface CsvImport extends CommonImport {
  readonly kind: 'csv';
  readonly path: string;
  readonly testPath?: string;
  /** Columns to predict: one for classification, one or more for regression. */
  readonly targets: readonly string[];
  /** Default: classification when the target is text or at most 20 different integers. */
  readonly task?: 'classification' | 'regression';
  /** Columns to leave out. */
  readonly ignore?: readonly string[];
  /** Columns to read as categories although their first value is a number. */
  readonly categories?: readonly string[];
  /** `mean`: a missing number becomes the mean, a missing category none. Default: `refuse`. */
  readonly missing?: 'refuse' | 'mean';
  /** Default: the one of comma, semicolon and tab that the header has most of. */
  readonly delimiter?: string;
}

/** UTF-8 text; several files are joined, an empty line between them. Its tail is kept for tests. */
export interface TextImport extends CommonImport {
  readonly kind: 'text';
  readonly paths: readonly string[];
  readonly testPaths?: readonly string[];
  readonly tokenizer:
    | { readonly kind: 'characters' }
    | { readonly kind: 'bpe'; readonly vocabularySize: number };
}

/** One sub-folder for each class, with PNG and JPEG files, which are stretched to one size. */
export interface ImageFolderImport extends CommonImport {
  readonly kind: 'images';
  readonly folder: string;
  readonly testFolder?: string;
  readonly height: number;
  readonly width: number;
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3;
}
