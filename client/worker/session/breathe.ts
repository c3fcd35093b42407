/**
 * Resolves in a later task, after sockets and timers had their turn. `setTimeout` would do, but browsers make nested
 * ones wait 4 ms, which is a good part of a small unit.
 */
export function breathe(): Promise<void> {
  if (typeof setImmediate === 'function') {
    return new Promise((resolve) => setImmediate(resolve));
  }
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
