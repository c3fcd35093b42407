/** A model as data: never code. Sizes that the data set fixes (inputs, classes, vocabulary) are not repeated here. */
export type ModelSpec = MlpSpec | CnnSpec | GptSpec | LayersSpec;

export interface MlpSpec {
  readonly kind: 'mlp';
  /** Width of each hidden layer. */
  readonly hidden: readonly number[];
  readonly activation?: 'relu' | 'tanh' | 'gelu';
}

/** Blocks of convolution, ReLU and 2x2 max pooling, then one dense layer. */
export interface CnnSpec {
  readonly kind: 'cnn';
  /** Filters of each block. */
  readonly filters: readonly number[];
  readonly kernelSize?: number;
  /** Width of a dense hidden layer before the output; none when absent. */
  readonly dense?: number;
}

/** Decoder-only transformer with pre-norm blocks, learned positions, and tied input and output embeddings. */
export interface GptSpec {
  readonly kind: 'gpt';
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly context: number;
}

/** Any Keras or TensorFlow.js layers model: the `modelTopology` document. */
export interface LayersSpec {
  readonly kind: 'layers';
  readonly topology: { readonly [key: string]: unknown };
}

/** What the data set says about the ends of the model. */
export interface ModelEnds {
  /** Shape of one input record, without the batch: `[28, 28, 1]`, `[features]`, or `[context]` for tokens. */
  readonly inputShape: readonly number[];
  /** Classes of a classification, vocabulary of a language model, columns of a regression target. */
  readonly outputSize: number;
  /** Predictions that each sample asks for: the context of a language model; 1 when absent. */
  readonly predictionsPerSample?: number;
}

export type LossName = 'softmaxCrossEntropy' | 'meanSquaredError' | 'binaryCrossEntropy';
