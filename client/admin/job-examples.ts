/** A document to start from, in words of what it trains. */
export interface JobExample {
  readonly name: string;
  readonly words: string;
  readonly document: object;
}

/** Fields that are left out take their defaults at the coordinator. */
export const jobExamples: readonly JobExample[] = [
  {
    name: 'table',
    words: 'a small network on your own table (CSV)',
    document: {
      name: 'my-table',
      title: 'My table',
      description: 'What this model is for, in a sentence for those who lend their machines.',
      owner: 'Your name',
      model: { kind: 'mlp', hidden: [64, 64] },
      dataset: 'name-of-the-imported-data-set',
      loss: 'softmaxCrossEntropy',
      optimizer: { kind: 'adamw', learningRate: 0.001 },
      unitsPerRound: 2,
      batchSize: 32,
      stop: { rounds: 500 },
    },
  },
];
