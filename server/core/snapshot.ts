import { GradswarmError } from '../../shared/base/errors.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import { initialPlan, type JobRecord } from './job-record.ts';
import type { ReplicatedState, TokenRecord } from './replicated-state.ts';

const snapshotFormat = 1;

/** The replicated state as JSON can hold it. */
export interface Snapshot {
  readonly format: number;
  readonly appliedIndex: number;
  readonly jobs: readonly JobRecord[];
  readonly datasets: readonly DatasetManifest[];
  readonly tokens: readonly TokenRecord[];
}

/** Shares records with the state: serialise it before the next command is applied. */
export function toSnapshot(state: ReplicatedState): Snapshot {
  return {
    format: snapshotFormat,
    appliedIndex: state.appliedIndex,
    jobs: [...state.jobs.values()],
    datasets: [...state.datasets.values()],
    tokens: [...state.tokens.values()],
  };
}

/**
 * Takes over the snapshot's records.
 * @throws GradswarmError `dataFolderVersion` for a snapshot of another version.
 */
export function fromSnapshot(snapshot: Snapshot): ReplicatedState {
  if (snapshot.format !== snapshotFormat) {
    const message = `The snapshot has format ${snapshot.format}; this version reads ${snapshotFormat}.`;
    throw new GradswarmError('dataFolderVersion', message);
  }
  return {
    appliedIndex: snapshot.appliedIndex,
    jobs: new Map(snapshot.jobs.map((job) => [job.jobId, completed(job)])),
    datasets: new Map(snapshot.datasets.map((dataset) => [dataset.name, dataset])),
    tokens: new Map(snapshot.tokens.map((token) => [token.tokenId, token])),
  };
}

/** A record that was written before plans could change. */
function completed(job: JobRecord): JobRecord {
  const earlier: Partial<JobRecord> = job;
  return {
    ...job,
    samplesCounted: earlier.samplesCounted ?? job.samplePosition,
    plan: earlier.plan ?? initialPlan(job.document),
    planChanges: earlier.planChanges ?? [],
  };
}
