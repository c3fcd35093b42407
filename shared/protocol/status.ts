import { type ErrorCode, errorTable, GradswarmError, isErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Status } from '../gen/gradswarm/v1/envelope_pb.ts';

const messageCharactersMax = 1_000;
const closeReasonBytesMax = 123;

export interface StatusInit {
  readonly code: string;
  readonly message: string;
  readonly field: string;
  readonly redirectUrl: string;
}

/** Anything but a `GradswarmError` is a defect here: the peer learns only that much. */
export function statusOf(error: unknown): StatusInit {
  if (!(error instanceof GradswarmError)) {
    return { code: 'internal', message: errorTable.internal.meaning, field: '', redirectUrl: '' };
  }
  return {
    code: error.code,
    message: error.message.slice(0, messageCharactersMax),
    field: (error.field ?? '').slice(0, messageCharactersMax),
    redirectUrl: (error.redirectUrl ?? '').slice(0, limits.textCharactersMax),
  };
}

/** A code that this build does not know counts as `internal`. */
export function errorOf(status: Status | undefined): GradswarmError {
  const code = status?.code ?? '';
  const message = status?.message || 'the peer gave no reason';
  if (!isErrorCode(code)) return new GradswarmError('internal', code ? `${code}: ${message}` : message);
  return new GradswarmError(code, message, status?.field || undefined, status?.redirectUrl || undefined);
}

/** WebSocket close code of a table row: 4000 plus its HTTP status. The reason begins with the code's name. */
export function closeCodeOf(code: ErrorCode): number {
  return 4000 + errorTable[code].status;
}

export function closeReasonOf(error: GradswarmError): string {
  const encoder = new TextEncoder();
  let reason = `${error.code}: ${error.message}`.slice(0, closeReasonBytesMax);
  while (encoder.encode(reason).length > closeReasonBytesMax) reason = reason.slice(0, -1);
  return reason;
}

/** The error named by a close reason, where it names one. */
export function errorOfClose(reason: string): GradswarmError | undefined {
  const separator = reason.indexOf(': ');
  const code = reason.slice(0, Math.max(separator, 0));
  return isErrorCode(code) ? new GradswarmError(code, reason.slice(separator + 2)) : undefined;
}
