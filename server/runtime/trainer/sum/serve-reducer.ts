import type { MessagePort } from 'node:worker_threads';
import type { ReduceMessage } from './reducers.ts';
import { kernels } from './sum-kernels.ts';
import { openLane } from './sum-memory.ts';

/** Adds the lanes that arrive on `port`, and tells of each in its message's signal: the sender is not listening. */
export function serveReducer(port: MessagePort): void {
  port.on('message', (message: ReduceMessage) => {
    const { signal, kind, held } = message;
    try {
      kernels[kind].add(openLane(message), held);
    } catch (error) {
      Atomics.add(signal, 1, 1);
      throw error;
    } finally {
      Atomics.add(signal, 0, 1);
      Atomics.notify(signal, 0);
    }
  });
}
