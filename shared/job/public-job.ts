/**
 * What anyone may read of a job: one item of `GET /v1/jobs`, `{"jobs": [...]}`, newest first. JSON has no NaN, so a
 * figure that is not known yet is null.
 */
export interface PublicJob {
  readonly jobId: string;
  readonly title: string;
  readonly description: string;
  /** Who asks for the work. */
  readonly owner: string;
  readonly state: 'running' | 'paused' | 'finished' | 'cancelled' | 'failed';
  readonly modelKind: string;
  readonly dataset: string;
  readonly parameters: number;
  readonly allowAnonymous: boolean;
  /** Committed rounds. */
  readonly round: number;
  /** By the stop rule, in [0, 1]. */
  readonly fractionDone: number;
  readonly remainingMs: number | null;
  readonly trainingLoss: number | null;
  readonly testLoss: number | null;
  readonly testAccuracy: number | null;
  readonly workers: number;
  readonly samplesPerSecond: number;
}
