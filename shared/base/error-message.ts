import { type ErrorCode, GradswarmError } from './errors.ts';

/**
 * An error on its way to another thread: structured clone loses the fields of an error, so they travel apart. Without a
 * code: an unexpected error.
 */
export interface ErrorMessage {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly redirectUrl?: string;
  readonly stack?: string;
}

export function toErrorMessage(error: unknown): ErrorMessage {
  if (error instanceof GradswarmError) {
    const { code, message, field, redirectUrl } = error;
    return {
      code,
      message,
      ...(field !== undefined && { field }),
      ...(redirectUrl !== undefined && { redirectUrl }),
    };
  }
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
}

export function fromErrorMessage({ code, message, field, redirectUrl, stack }: ErrorMessage): Error {
  if (code !== undefined) return new GradswarmError(code, message, field, redirectUrl);
  return Object.assign(new Error(message), stack !== undefined && { stack });
}
