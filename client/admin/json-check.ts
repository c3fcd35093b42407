import { GradswarmError } from '../../shared/base/errors.ts';

/** @throws GradswarmError `badRequest` when the text is not JSON; browsers name the position in their message. */
export function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `This is not JSON: ${reason}`);
  }
}
