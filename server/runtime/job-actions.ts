import { createHash } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import { asBlobHash, asJobId, type BlobHash, type JobId } from '../../shared/base/ids.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import { testSampleCount } from '../../shared/data/sampling.ts';
import { aggregatorOf, checkMembers, checkVectorsFit } from '../../shared/job/check-aggregator.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';
import { parseJobDocument } from '../../shared/job/parse-job-document.ts';
import { tokenContext } from '../../shared/model/token-context.ts';
import { membersMin } from '../../shared/sync/aggregators/aggregators.ts';
import { planText } from '../../shared/sync/round-plan.ts';
import { bytesOf, floatsOf } from '../../shared/tensor/bytes.ts';
import { createManifest, manifestText } from '../../shared/tensor/manifest.ts';
import type { Command } from '../core/commands.ts';
import type { JobRecord } from '../core/job-record.ts';
import { trainerPlan } from '../core/replica.ts';
import type { ReplicatedState } from '../core/replicated-state.ts';
import type { BlobStore, CompiledModel, ModelCompiler, ModelExporter, Trainer, TrainerJob } from './ports.ts';
import { readRoundPlan } from './read-round-plan.ts';
import { type CustomAggregators, customAggregator, noAggregators } from './trainer/custom-aggregators.ts';
import { createLocalTrainer } from './trainer/local-trainer.ts';
import type { TrainerStores } from './trainer/open-state.ts';

export interface SubmittedJob {
  readonly jobId: JobId;
  readonly parameters: number;
}

export interface ExportedJob {
  readonly directory: string;
  readonly files: readonly string[];
  readonly parametersHash: BlobHash;
  readonly version: number;
}

export interface JobActions {
  /** @throws GradswarmError `badRequest` with the field, `conflict` for a name that is taken. */
  submitJob(documentText: string): Promise<SubmittedJob>;
  /** `action`: pause, resume or cancel. @throws GradswarmError `badRequest`, `unknownJob`, `conflict`. */
  controlJob(jobId: string, action: string): Promise<void>;
  /** Changes what the rounds are run by (`readRoundPlan`). Returns it in words. @throws GradswarmError as above. */
  changeStrategy(jobId: string, documentText: string): Promise<string>;
  /** Writes the published parameters as they are now. @throws GradswarmError `unknownJob`. */
  exportJob(jobId: string): Promise<ExportedJob>;
}

export interface JobActionsDependencies {
  replicated(): ReplicatedState;
  /** Resolves when the command is committed and applied. */
  request(command: Command): Promise<void>;
  readonly blobs: BlobStore;
  readonly stores: TrainerStores;
  readonly trainer: Trainer;
  readonly compiler: ModelCompiler;
  readonly exporter: ModelExporter;
  /** An operator's own. */
  readonly aggregators?: CustomAggregators;
  now(): number;
}

const states = { pause: 'paused', resume: 'running', cancel: 'cancelled' } as const;

function isAction(text: string): text is keyof typeof states {
  return Object.hasOwn(states, text);
}

/** What the trainer must know of a job, without the rounds to replay. */
export function describeJob({ jobId, tensors, document }: JobRecord): Omit<TrainerJob, 'plan'> {
  const { optimizer, codec, seed } = document;
  const aggregator = aggregatorOf(document);
  return { jobId, tensors, optimizer, downCodec: codec.down, seed, aggregator };
}

export function createJobActions(dependencies: JobActionsDependencies): JobActions {
  const { replicated, request, blobs, compiler, exporter, now, aggregators = noAggregators } = dependencies;

  const datasetOf = ({ dataset }: JobDocument): DatasetManifest => {
    const { datasets } = replicated();
    const found = datasets.get(dataset);
    if (found !== undefined) return found;
    const known =
      datasets.size === 0 ? 'none is imported yet' : `there are ${[...datasets.keys()].join(', ')}`;
    const message = `No data set is called "${dataset}"; ${known}. Import one with \`gradswarm dataset import\`.`;
    throw new GradswarmError('badRequest', message, 'dataset');
  };

  const compile = (document: JobDocument, dataset: DatasetManifest): Promise<CompiledModel> => {
    const { model, loss, seed } = document;
    return compiler.compile(model, modelEnds(model, dataset, loss), loss, seed);
  };

  const jobOf = (jobId: string): JobRecord => {
    const job = replicated().jobs.get(asJobId(jobId));
    if (job !== undefined) return job;
    const known = [...replicated().jobs.keys()].join(', ') || 'none';
    throw new GradswarmError('unknownJob', `No job is called "${jobId}"; there are: ${known}.`, 'job');
  };

  return {
    async submitJob(documentText) {
      const document = parseJobDocument(documentText);
      const jobId = asJobId(document.name);
      if (replicated().jobs.has(jobId)) {
        throw new GradswarmError(
          'conflict',
          `A job is called "${jobId}" already; choose another name.`,
          'name',
        );
      }
      const dataset = datasetOf(document);
      checkStopRule(document, dataset);
      checkMembers(document, membersNeeded(document, aggregators));
      const { tensors, initialParameters } = await compile(document, dataset);
      checkVectorsFit(document, initialParameters.length);
      const manifestHash = createHash('sha256')
        .update(manifestText(createManifest(tensors)))
        .digest('hex');
      const context = dataset.kind === 'tokens' ? { context: tokenContext(document.model) } : {};
      await request({
        kind: 'jobSubmitted',
        jobId,
        document,
        dataset,
        tensors,
        manifestHash: asBlobHash(manifestHash),
        initialParametersHash: blobs.put(bytesOf(initialParameters)),
        ...context,
        atMs: now(),
      });
      return { jobId, parameters: initialParameters.length };
    },

    async controlJob(jobId, action) {
      if (!isAction(action)) {
        throw new GradswarmError('badRequest', `must be pause, resume or cancel, not "${action}"`, 'action');
      }
      const reason = `by an admin: ${action}`;
      const job = jobOf(jobId);
      await request({
        kind: 'jobStateChanged',
        jobId: job.jobId,
        state: states[action],
        reason,
        atMs: now(),
      });
    },

    async changeStrategy(jobId, documentText) {
      const job = jobOf(jobId);
      const plan = readRoundPlan(job.document, job.plan, documentText);
      const reason = 'asked for by an admin';
      await request({ kind: 'strategyChanged', jobId: job.jobId, plan, by: 'admin', reason, atMs: now() });
      return planText(plan);
    },

    async exportJob(jobId) {
      const job = jobOf(jobId);
      const { version, parametersHash, bytes } = await publishedParameters(job, dependencies);
      const { layersTopology } = await compile(job.document, job.dataset);
      const { directory, files } = await exporter.export({
        name: job.jobId,
        tensors: job.tensors,
        parameters: floatsOf(bytes),
        ...(layersTopology === undefined ? {} : { layersTopology }),
        metadata: { job: job.jobId, title: job.document.title, version: String(version), parametersHash },
      });
      return { directory, files, parametersHash, version };
    },
  };
}

/** An accuracy that is never measured would never end the job. @throws GradswarmError `badRequest`. */
function checkStopRule({ stop, model }: JobDocument, dataset: DatasetManifest): void {
  if (stop.accuracy === undefined || testSampleCount(dataset, tokenContext(model)) > 0) return;
  const message = `Data set "${dataset.name}" has no test samples, so no accuracy is measured; use stop.rounds or stop.loss.`;
  throw new GradswarmError('badRequest', message, 'stop.accuracy');
}

/** @throws GradswarmError `notFound` for a module that the configuration does not name. */
function membersNeeded(document: JobDocument, aggregators: CustomAggregators): number {
  const spec = aggregatorOf(document);
  return membersMin(spec, customAggregator(spec, aggregators)?.membersMin);
}

/** From the trainer while the job runs; from checkpoint and aggregates otherwise. */
async function publishedParameters(
  job: JobRecord,
  { trainer, stores }: JobActionsDependencies,
): ReturnType<Trainer['snapshot']> {
  try {
    return await trainer.snapshot(job.jobId);
  } catch (error) {
    if (!(error instanceof GradswarmError) || error.code !== 'jobNotRunning') throw error;
  }
  const reader = createLocalTrainer(stores);
  await reader.open({ ...describeJob(job), plan: trainerPlan(job) });
  return reader.snapshot(job.jobId);
}
