/** How a gradient is made and sent. */
export interface GradientUse {
  /** Optimizer steps between two sums; 1 for gradients. */
  readonly localSteps: number;
  /** Bytes of a float32 update over those that are sent. */
  readonly compression: number;
  /** Rounds that were committed since the parameters that it was computed from. */
  readonly staleness: number;
}

/** Doublings of the local steps after which a step is worth half. */
const stepDoublings = 16;
/** Up to here a codec costs nothing that could be seen: `int8` with its scales. */
const freeCompression = 4;
/** Further doublings of the compression after which a step is worth half. */
const compressionDoublings = 4;

/**
 * What a gradient is worth against one of float32 that is summed at once: the fraction of the tokens after which the
 * plain way is as far. The constants were read off an earlier run of the table "Convergence per byte" of
 * docs/PERFORMANCE.md, whose model loses about 0.17 nats with every halving of its tokens; other models differ.
 */
export function gradientWorth({ localSteps, compression, staleness }: GradientUse): number {
  const steps = 1 + Math.log2(Math.max(1, localSteps)) / stepDoublings;
  const coarse = 1 + Math.max(0, Math.log2(compression / freeCompression)) / compressionDoublings;
  return 1 / (steps * coarse * (1 + staleness));
}
