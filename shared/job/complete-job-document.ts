import type { AuthoredCodec } from './complete-codec.ts';
import { completeCodec } from './complete-codec.ts';
import type { EvaluationRule, JobDocument } from './job-document.ts';

type Required = 'name' | 'model' | 'dataset' | 'loss' | 'optimizer' | 'stop';
type Nested = 'codec' | 'evaluation' | 'checkpoint';

/** A job document as the schema allows it: everything that has a default may be left out. */
export type AuthoredJob = Pick<JobDocument, Required> &
  Partial<Omit<JobDocument, Required | Nested>> & {
    readonly codec?: AuthoredCodec;
    readonly evaluation?: Partial<EvaluationRule>;
    readonly checkpoint?: Partial<JobDocument['checkpoint']>;
  };

export function completeJobDocument(job: AuthoredJob): JobDocument {
  return {
    name: job.name,
    title: job.title ?? job.name,
    description: job.description ?? '',
    owner: job.owner ?? '',
    model: job.model,
    dataset: job.dataset,
    loss: job.loss,
    optimizer: job.optimizer,
    unitsPerRound: job.unitsPerRound ?? 4,
    batchSize: job.batchSize ?? 32,
    ...(job.localSteps === undefined ? {} : { localSteps: job.localSteps }),
    strategy: job.strategy ?? { kind: 'parameterServerSynchronous' },
    ...(job.aggregator === undefined ? {} : { aggregator: job.aggregator }),
    codec: completeCodec(job.codec),
    stop: job.stop,
    evaluation: { everyRounds: 50, samplesMax: 1_000, batchSize: 250, ...job.evaluation },
    checkpoint: { everyRounds: 100, ...job.checkpoint },
    seed: job.seed ?? 1,
    allowAnonymous: job.allowAnonymous ?? false,
    updateNormMax: job.updateNormMax ?? 1_000,
  };
}
