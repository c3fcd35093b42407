import { builtinJobs } from '../../shared/job/builtin-jobs.ts';

/** A document to start from. */
export interface JobExample {
  readonly name: string;
  /** What it trains. */
  readonly title: string;
  readonly document: object;
}

/** A job on data of one's own; fields that are left out take their defaults at the coordinator. */
const ownTable: JobExample = {
  name: 'own-table',
  title: 'A small network on your own table (CSV)',
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
};

export const jobExamples: readonly JobExample[] = [
  ...Object.entries(builtinJobs).map(([name, document]) => ({ name, title: document.title, document })),
  ownTable,
];
