import { createHash } from 'node:crypto';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { unpackSums } from '../../../shared/tensor/packed-sums.ts';
import type { PartialSum } from '../ports.ts';

/** Each update was within the norm before its values were rounded to the grid. */
const roundingMax = 2 ** -20;

/**
 * What workers have summed among themselves was seen by nobody else: it is what they agreed on, and a sum of updates.
 * @throws GradswarmError `hashMismatch`, or as `checkSumValues`.
 */
export function checkSum(length: number, partial: PartialSum, hash: string, normMax: number): number {
  if (createHash('sha256').update(partial.bytes).digest('hex') !== hash) {
    throw new GradswarmError('hashMismatch', 'The sum does not have the hash that it came with.', 'payload');
  }
  return checkSumValues(length, partial, normMax);
}

/**
 * It is a sum of updates, and the mean of these is no longer than any of them may be. Returns the norm of the mean.
 * @throws GradswarmError `wrongLength`, `badRequest` or `normTooLarge`.
 */
export function checkSumValues(length: number, { weight, bytes }: PartialSum, normMax: number): number {
  const sums = new Float64Array(length);
  unpackSums(bytes, sums, weight);
  let squares = 0;
  for (const sum of sums) squares += sum * sum;
  const norm = Math.sqrt(squares) / weight;
  if (norm <= normMax * (1 + roundingMax)) return norm;
  throw new GradswarmError(
    'normTooLarge',
    `The norm of the mean is ${norm}; the job allows ${normMax}.`,
    'payload',
  );
}
