import { GradswarmError } from '../../shared/base/errors.ts';

/** A failure in words; the field at fault is named where there is one. */
export function messageOf(error: unknown): string {
  if (error instanceof GradswarmError) {
    return error.field === undefined || error.message.includes(error.field)
      ? error.message
      : `${error.field}: ${error.message}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Whether the connection comes back by itself, so that the failure needs no message of its own. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof GradswarmError && error.code === 'connectionLost';
}
