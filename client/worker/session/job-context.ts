import type { DatasetManifest } from '../../../shared/data/dataset-manifest.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import { tokenContext } from '../../../shared/model/token-context.ts';
import { createLocalTraining, type LocalTraining } from '../../../shared/optim/local-training.ts';
import type { GetJobResponse } from '../../../shared/protocol/services.ts';
import { decodeTensors } from '../../../shared/protocol/tensor-messages.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { createManifest, type ParameterManifest } from '../../../shared/tensor/manifest.ts';
import type { UnitRunner } from '../compute/unit-runner.ts';
import type { Sha256 } from '../data/sha256.ts';
import type { ShardLoader } from '../data/shard-loader.ts';
import { createUnitReader, type UnitReader } from '../data/unit-reader.ts';
import type { Engine } from '../engine/engine.ts';
import { createJobEncoder, type JobEncoder } from './job-encoder.ts';
import {
  createParameterFollower,
  type HeldParameters,
  type ParameterFollower,
} from './parameter-follower.ts';
import type { ComputePorts } from './ports.ts';

/** One job as this worker serves it. Outlives connections: what is compiled and downloaded is kept. */
export interface JobContext {
  readonly jobId: string;
  readonly document: JobDocument;
  readonly dataset: DatasetManifest;
  readonly manifest: ParameterManifest;
  readonly manifestHash: string;
  readonly reader: UnitReader;
  readonly parameters: ParameterFollower;
  /** With what biased codecs carry over from one unit to the next. */
  readonly encoder: JobEncoder;
  /** The runner with `held` loaded; built at the first call and after `forgetRunner`. */
  runnerWith(held: HeldParameters): Promise<UnitRunner>;
  /** The runner is about to be given other parameters: the next `runnerWith` loads its own. */
  forgetLoaded(): void;
  /** The inner optimizer of a job with local steps. */
  readonly localTraining: LocalTraining | undefined;
  /** Frees what it has on the device; the next unit builds it anew. Also the answer to a unit that failed. */
  forgetRunner(): void;
}

export interface JobContextParts {
  readonly engine: Engine;
  readonly compute: ComputePorts;
  readonly loader: ShardLoader;
  readonly sha256: Sha256;
  readonly timers: Timers;
}

/** The documents come from the coordinator, which validated them. */
export function createJobContext(job: GetJobResponse, parts: JobContextParts): JobContext {
  const document = JSON.parse(job.documentJson) as JobDocument;
  const dataset = JSON.parse(job.datasetJson) as DatasetManifest;
  const tensors = decodeTensors(job.manifest);
  const manifest = createManifest(tensors);
  const parameters = createParameterFollower(manifest, parts.sha256, parts.timers);
  let runner: UnitRunner | undefined;
  let loaded: HeldParameters | undefined;

  return {
    jobId: job.jobId,
    document,
    dataset,
    manifest,
    manifestHash: job.manifestHash,
    reader: createUnitReader(
      dataset,
      tokenContext(document.model),
      document.seed,
      parts.loader,
      parts.compute.createBatchMemory(),
    ),
    parameters,
    encoder: createJobEncoder(document.codec.up, manifest),
    async runnerWith(held) {
      runner ??= await parts.compute.createUnitRunner({ engine: parts.engine, document, dataset, tensors });
      // Not by version: after a resync the same version may hold other, right values.
      if (loaded !== held) runner.setParameters(held.version, parameters.flat);
      loaded = held;
      return runner;
    },
    forgetLoaded() {
      loaded = undefined;
    },
    localTraining: document.localSteps && createLocalTraining(manifest, document.localSteps),
    forgetRunner() {
      runner?.dispose();
      runner = undefined;
      loaded = undefined;
    },
  };
}
