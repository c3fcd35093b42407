import type { ErrorMessage } from '../../../shared/base/error-message.ts';
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
