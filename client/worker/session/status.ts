import type { ErrorCode } from '../../../shared/base/errors.ts';

/** Where a worker stands. `failed` is final until the worker is started again; `stopped` is the rest state. */
export type WorkerPhase =
  | 'stopped'
  | 'starting'
  | 'connecting'
  | 'preparing'
  | 'waiting'
  | 'computing'
  | 'stopping'
  | 'failed';

/** One observable snapshot of a worker: plain data, safe to clone across threads and to print as JSON. */
export interface WorkerStatus {
  readonly phase: WorkerPhase;
  /** The phase in words that a person understands: "waiting for work: the job is paused". */
  readonly phaseText: string;
  readonly workerId: string;
  /** Base address of the coordinator that took the worker in last; empty before. */
  readonly coordinatorUrl: string;
  readonly jobId: string;
  readonly jobTitle: string;
  /** Who asks for the work. */
  readonly jobOwner: string;
  readonly jobDescription: string;
  /** Committed rounds of the job, from the coordinator. */
  readonly round: number;
  /** Mean training loss of the last committed round; of the last own unit before there is one. */
  readonly loss?: number;
  /** Fraction of test records right at the last evaluation. */
  readonly accuracy?: number;
  /** Workers and samples per second of the whole job. */
  readonly jobWorkers: number;
  readonly jobSamplesPerSecond: number;
  readonly unitsAccepted: number;
  readonly unitsRefused: number;
  /** This worker's, over the last minute. */
  readonly samplesPerSecond: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** The codec of the last update, such as `topk/64/2`; empty before the first. */
  readonly codec: string;
  /** Bytes of the last update as it was sent, and the values of the model that it is about; 0 before the first. No bytes of
   * an update that was kept for a ring are sent.
   */
  readonly updateBytes: number;
  readonly updateValues: number;
  /** "webgpu", "wasm", "tensorflow" or "cpu"; empty before the back end is up. */
  readonly engine: string;
  /** Adapter in words. */
  readonly device: string;
  /** The GPU is emulated on the CPU. */
  readonly softwareAdapter: boolean;
  /** Text drawn from the model as it learns; empty for other models. */
  readonly sampledText: string;
  /** Plain message of the last failure; empty when there was none. */
  readonly lastError: string;
  /** Of the failure that ended the worker, when the error table has it. */
  readonly failureCode?: ErrorCode;
}

export const initialStatus: WorkerStatus = {
  phase: 'stopped',
  phaseText: 'not started',
  workerId: '',
  coordinatorUrl: '',
  jobId: '',
  jobTitle: '',
  jobOwner: '',
  jobDescription: '',
  round: 0,
  jobWorkers: 0,
  jobSamplesPerSecond: 0,
  unitsAccepted: 0,
  unitsRefused: 0,
  samplesPerSecond: 0,
  bytesSent: 0,
  bytesReceived: 0,
  codec: '',
  updateBytes: 0,
  updateValues: 0,
  engine: '',
  device: '',
  softwareAdapter: false,
  sampledText: '',
  lastError: '',
};
