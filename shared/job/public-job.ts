/** The answer of `GET /v1/jobs`. */
export interface PublicJobs {
  /** Newest first. */
  readonly jobs: readonly PublicJob[];
  /** Whether the coordinator that answers leads; one that does not knows neither workers nor speed. */
  readonly isLeader: boolean;
  /** Base address of the leader, when another coordinator leads and is known. */
  readonly leaderUrl: string | null;
  /** Base addresses of all coordinators; empty when there is only one. */
  readonly coordinatorUrls: readonly string[];
}

/** What anyone may read of a job. JSON has no NaN, so a figure that is not known, or not yet, is null. */
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
  readonly workers: number | null;
  readonly samplesPerSecond: number | null;
}
