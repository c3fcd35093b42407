import { GradswarmError } from '../../../shared/base/errors.ts';

/** A double of the wire as a count. @throws GradswarmError `malformedFrame` unless it is whole and 0 to 2^53 - 1. */
export function wholeNumber(value: number, field: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`${field} is ${value}, not a whole number from 0`);
}

export function malformed(detail: string): GradswarmError {
  return new GradswarmError('malformedFrame', `malformed message of a coordinator: ${detail}`);
}
