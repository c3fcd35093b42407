import type { MessagePort } from 'node:worker_threads';
import { toErrorMessage } from '../../../shared/base/error-message.ts';
import type { Trainer } from '../ports.ts';
import { movable, type TrainerMethod, type TrainerRequest } from './thread-messages.ts';

/** Answers the requests that arrive on `port` until `shutdown` is answered. */
export function serveTrainer(port: MessagePort, trainer: Trainer): void {
  port.on('message', (request: TrainerRequest) => {
    answer(trainer, request)
      .then((value) => {
        const { message, transfer } = withMovedBytes(value);
        port.postMessage({ id: request.id, value: message }, transfer);
      })
      .catch((error: unknown) => port.postMessage({ id: request.id, error: toErrorMessage(error) }))
      .finally(() => {
        if (request.method === 'shutdown') port.close();
      });
  });
}

function answer(trainer: Trainer, { method, parameters }: TrainerRequest): Promise<unknown> {
  const call = trainer[method] as (...values: Parameters<Trainer[TrainerMethod]>) => Promise<unknown>;
  return call.apply(trainer, parameters);
}

/** Byte fields of an answer are fresh and nobody else's: they move instead of being copied. */
function withMovedBytes(value: unknown): { message: unknown; transfer: ArrayBuffer[] } {
  if (typeof value !== 'object' || value === null) return { message: value, transfer: [] };
  const transfer: ArrayBuffer[] = [];
  const fields = Object.entries(value).map(([name, field]: [string, unknown]) => {
    if (!(field instanceof Uint8Array)) return [name, field] as const;
    const bytes = movable(field);
    transfer.push(bytes.buffer);
    return [name, bytes] as const;
  });
  return { message: Object.fromEntries(fields), transfer };
}
