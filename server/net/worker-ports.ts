import type { ClusterView } from '../../shared/base/cluster-view.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { Checksum } from '../../shared/protocol/checksum.ts';
import type { PayloadBudget } from '../../shared/protocol/payload-in.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import type { CallRef, Effect, Event } from '../core/events.ts';
import type { JobRecord } from '../core/job-record.ts';
import type { TokenRecord } from '../core/replicated-state.ts';

/** What a worker may learn of a job. */
export type ServedJob = Pick<
  JobRecord,
  'document' | 'dataset' | 'tensors' | 'manifestHash' | 'parameters' | 'state'
>;

export type CallAnswer = Extract<Effect, { call: CallRef; kind: `answer${string}` }>;

export interface WorkerGatewayDeps {
  readonly clusterId: string;
  /** Posts the event with a fresh `CallRef`; rejects with a `GradswarmError` when the core refuses. */
  call(makeEvent: (call: CallRef) => Event): { readonly call: CallRef; readonly answer: Promise<CallAnswer> };
  post(event: Event): void;
  epoch(): number;
  cluster(): ClusterView;
  tokens(): Iterable<TokenRecord>;
  job(jobId: JobId): ServedJob | undefined;
  /** The published vector, copied. */
  snapshot(
    jobId: JobId,
  ): Promise<{ readonly version: number; readonly parametersHash: BlobHash; readonly bytes: Uint8Array }>;
  /** The encoded delta that made `version`. */
  delta(jobId: JobId, version: number): Uint8Array | undefined;
  onDefect(error: unknown, method: string): void;
  readonly createId?: () => string;
  readonly checksum?: Checksum;
  readonly timers?: Timers;
  readonly budget?: PayloadBudget;
}
