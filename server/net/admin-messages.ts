import type { DatasetManifest, Shard } from '../../shared/data/dataset-manifest.ts';
import type {
  DatasetStatus,
  JobProgress,
  JobStatus,
  RoundPlan,
  WorkerStatus,
} from '../../shared/protocol/services.ts';
import type { JobStatusView, RoundPlanView, WorkerView } from '../core/views.ts';

/** A message's fields, without what protobuf adds. */
type Fields<Message> = Omit<Message, '$typeName' | '$unknown' | 'progress' | 'determinismClass'>;

export function statusMessage(view: JobStatusView): Fields<JobStatus> & { progress: Fields<JobProgress> } {
  const { determinismClasses: _, unitsCounted: __, ...status } = view;
  return status;
}

export function planMessage({ codecs, ...plan }: RoundPlanView): Fields<RoundPlan> {
  return { ...plan, codecs: [...codecs] };
}

export function workerMessage({
  jobId,
  ...worker
}: WorkerView): Fields<WorkerStatus> & Pick<WorkerView, 'determinismClass'> {
  return { ...worker, jobId: jobId ?? '' };
}

export function datasetMessage(dataset: DatasetManifest): Fields<DatasetStatus> {
  const { name, title, kind, source, train, test } = dataset;
  const bytes = [...train.shards, ...test.shards].reduce((sum: number, shard: Shard) => sum + shard.bytes, 0);
  return { name, title, kind, source, trainCount: train.count, testCount: test.count, bytes };
}
