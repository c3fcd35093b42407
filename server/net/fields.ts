import { GradswarmError } from '../../shared/base/errors.ts';
import { type BlobHash, isBlobHash, isJobId, type JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';

/** Text that is shown to people: control characters become spaces. @throws GradswarmError `badRequest`. */
export function readText(
  text: string,
  field: string,
  charactersMax: number = limits.nameCharactersMax,
): string {
  if (text.length > charactersMax) {
    throw new GradswarmError('badRequest', `${field} has more than ${charactersMax} characters`, field);
  }
  return text.replace(/\p{Cc}/gu, ' ').trim();
}

/** @throws GradswarmError `unknownJob`: what is not the name of a job names none. */
export function readJobId(text: string): JobId {
  if (!isJobId(text)) throw unknownJob(text);
  return text;
}

export function unknownJob(text: string): GradswarmError {
  return new GradswarmError(
    'unknownJob',
    `no job is named "${text.slice(0, limits.nameCharactersMax)}"`,
    'jobId',
  );
}

/** @throws GradswarmError `badRequest`. */
export function readHash(text: string, field: string): BlobHash {
  if (isBlobHash(text)) return text;
  throw new GradswarmError('badRequest', `${field} is a SHA-256 in 64 lower-case hexadecimal digits`, field);
}

/** One of a closed set of words. @throws GradswarmError `badRequest` with the set. */
export function readChoice<Choice extends string>(
  text: string,
  choices: readonly Choice[],
  field: string,
): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new GradswarmError('badRequest', `${field} is one of ${choices.join(', ')}`, field);
}
