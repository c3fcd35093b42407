import type { WebSocket } from 'ws';

const ticks = 4;

/**
 * Cuts off an open socket whose other end has given no sign of life for `silenceMs`: no frame, and nothing read of what
 * was sent. Ticks are counted, not time, so that a pause of this process is not taken for silence of the other.
 */
export function keepAlive(socket: WebSocket, silenceMs: number): void {
  let silentTicks = 0;
  let buffered = 0;
  const onLife = (): void => {
    silentTicks = 0;
  };
  for (const event of ['ping', 'pong', 'message'] as const) socket.on(event, onLife);
  const timer = setInterval(() => {
    // A ping waits behind what was sent before; a reader that gets on with it lives.
    if (socket.bufferedAmount < buffered) silentTicks = 0;
    buffered = socket.bufferedAmount;
    silentTicks += 1;
    if (silentTicks >= ticks) socket.terminate();
    else socket.ping();
  }, silenceMs / ticks);
  socket.once('close', () => clearInterval(timer));
}

/** Whether the other end answers now. */
export function answersPing(socket: WebSocket, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isAlive: boolean) => () => {
      clearTimeout(timer);
      for (const [event, listener] of listeners) socket.off(event, listener);
      resolve(isAlive);
    };
    const listeners = [
      ['pong', settle(true)],
      ['close', settle(false)],
    ] as const;
    const timer = setTimeout(settle(false), timeoutMs);
    for (const [event, listener] of listeners) socket.on(event, listener);
    socket.ping();
  });
}
