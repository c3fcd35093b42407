import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import type { Trainer } from '../ports.ts';

export type TrainerMethod = keyof Trainer;

/** What crosses between the main loop and the trainer's thread; answers come in the order of the requests. */
export interface TrainerRequest<Method extends TrainerMethod = TrainerMethod> {
  readonly id: number;
  readonly method: Method;
  readonly parameters: Parameters<Trainer[Method]>;
}

export type TrainerResponse =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorMessage };

/** Structured clone loses the fields of an error, so they travel apart. Without a code: an unexpected error. */
export interface ErrorMessage {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly stack?: string;
}

export function toErrorMessage(error: unknown): ErrorMessage {
  if (error instanceof GradswarmError) {
    const { code, message, field } = error;
    return { code, message, ...(field !== undefined && { field }) };
  }
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
}

export function fromErrorMessage({ code, message, field, stack }: ErrorMessage): Error {
  if (code !== undefined) return new GradswarmError(code, message, field);
  return Object.assign(new Error(message), stack !== undefined && { stack });
}

/**
 * The bytes as a view that owns its whole buffer, which can change threads without a copy. A view of a part (of a
 * WebSocket's read buffer, say) is copied once.
 */
export function movable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  // Through the constructor: a Buffer's own slice() would not copy.
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}
