/** How the coordinator steps, as data in a job document. */
export type OptimizerSpec = SgdSpec | NesterovSpec | AdamWSpec;

interface OptimizerCommon {
  readonly learningRate: number;
  readonly schedule?: ScheduleSpec;
  /** The aggregate is scaled down to this global L2 norm when it is longer. */
  readonly clipNorm?: number;
}

export interface SgdSpec extends OptimizerCommon {
  readonly kind: 'sgd';
}

export interface NesterovSpec extends OptimizerCommon {
  readonly kind: 'nesterov';
  readonly momentum?: number;
}

export interface AdamWSpec extends OptimizerCommon {
  readonly kind: 'adamw';
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled; applied to tensors of rank 2 and more. */
  readonly weightDecay?: number;
}

export interface ScheduleSpec {
  /** Rounds of linear warm-up from zero. */
  readonly warmupRounds?: number;
  readonly decay?: 'constant' | 'linear' | 'cosine';
  /** Round at which the decay reaches its floor; needed when `decay` is not `constant`. */
  readonly totalRounds?: number;
  /** Floor as a fraction of the learning rate; 0 when absent. */
  readonly minimumFraction?: number;
}
