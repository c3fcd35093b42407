import type { OptimizerSpec } from '../../../../shared/optim/optimizer-spec.ts';

/** One parameter's textbook trajectory in double precision, with the powers and logarithms that the real code avoids. */
export function textbookTrajectory(
  spec: OptimizerSpec,
  start: number,
  gradients: readonly number[],
  options: { readonly decays: boolean; readonly rateAt: (round: number) => number },
): number {
  let parameter = start;
  let velocity = 0;
  let first = 0;
  let second = 0;
  gradients.forEach((gradient, round) => {
    const rate = options.rateAt(round);
    if (spec.kind === 'sgd') {
      parameter -= rate * gradient;
    } else if (spec.kind === 'nesterov') {
      const momentum = spec.momentum ?? 0.9;
      velocity = momentum * velocity + gradient;
      parameter -= rate * (gradient + momentum * velocity);
    } else {
      const beta1 = spec.beta1 ?? 0.9;
      const beta2 = spec.beta2 ?? 0.999;
      first = beta1 * first + (1 - beta1) * gradient;
      second = beta2 * second + (1 - beta2) * gradient ** 2;
      if (options.decays) parameter -= rate * (spec.weightDecay ?? 0.01) * parameter;
      const firstHat = first / (1 - beta1 ** (round + 1));
      const secondHat = second / (1 - beta2 ** (round + 1));
      parameter -= (rate * firstHat) / (Math.sqrt(secondHat) + (spec.epsilon ?? 1e-8));
    }
  });
  return parameter;
}
