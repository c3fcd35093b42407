import { GradswarmError } from '../base/errors.ts';
import { squaredNorm } from '../tensor/kernels.ts';

/** The squared norm, which is finite exactly when every value is. @throws GradswarmError `notFinite`. */
export function finiteSquaredNorm(values: Float32Array): number {
  const sum = squaredNorm(values);
  if (!Number.isFinite(sum)) throw notFinite();
  return sum;
}

export function notFinite(): GradswarmError {
  return new GradswarmError('notFinite', 'The vector holds NaN or an infinity.');
}

/** What a payload of the right length is refused with. */
export function malformed(message: string): GradswarmError {
  return new GradswarmError('badRequest', message, 'payload');
}
