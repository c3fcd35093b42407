import type { Random } from '../../../shared/base/random.ts';

/** What attackers know: their own gradients and, as papers assume the worst, those of all who are honest. */
export interface Sight {
  readonly own: Float32Array;
  readonly honest: readonly Float32Array[];
  /** What the attacker computed in the first round. */
  readonly first: Float32Array;
  readonly random: Random;
}

export interface Attack {
  readonly name: string;
  readonly meaning: string;
  /** Whether the attackers' own gradients are those of flipped labels. */
  readonly flipsLabels: boolean;
  lie(sight: Sight): Float32Array;
}

const attack = (name: string, meaning: string, lie: Attack['lie'], flipsLabels = false): Attack => ({
  name,
  meaning,
  flipsLabels,
  lie,
});

function scaled(vector: Float32Array, factor: number): Float32Array {
  return vector.map((value) => value * factor);
}

function statistics(vectors: readonly Float32Array[]): { mean: Float32Array; deviation: Float32Array } {
  const { length } = vectors[0]!;
  const mean = new Float32Array(length);
  const deviation = new Float32Array(length);
  for (let index = 0; index < length; index++) {
    let sum = 0;
    let squares = 0;
    for (const vector of vectors) {
      sum += vector[index]!;
      squares += vector[index]! ** 2;
    }
    const middle = sum / vectors.length;
    mean[index] = middle;
    deviation[index] = Math.sqrt(Math.max(0, squares / vectors.length - middle ** 2));
  }
  return { mean, deviation };
}

/** Normal, by the sum of twelve uniform numbers. */
function normal(random: Random): number {
  let sum = -6;
  for (let draw = 0; draw < 12; draw++) sum += random.unit();
  return sum;
}

export const attacks: readonly Attack[] = [
  attack('none', 'the attackers do as they are asked', ({ own }) => own),
  attack('sign flip', 'four times the own gradient, upside down', ({ own }) => scaled(own, -4)),
  attack('scale', 'a hundred times the own gradient', ({ own }) => scaled(own, 100)),
  attack('noise', 'normal noise of deviation 1 in every value', ({ own, random }) =>
    own.map(() => normal(random)),
  ),
  attack('a little', 'the honest mean less 1.5 honest deviations (Baruch et al. 2019)', ({ honest }) => {
    const { mean, deviation } = statistics(honest);
    return mean.map((value, index) => value - 1.5 * deviation[index]!);
  }),
  attack('inner product', 'five times the honest mean, upside down (Xie et al. 2019)', ({ honest }) =>
    scaled(statistics(honest).mean, -5),
  ),
  attack('label flip', 'the gradient for labels 9 - y', ({ own }) => own, true),
  attack('replay', 'the own gradient of the first round, again and again', ({ first }) => first),
];
