import { limits } from '../../shared/base/limits.ts';

const exitCodes: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Calls `stop` at the first SIGINT or SIGTERM, or when the parent process that this one talks to by IPC is gone. A
 * second signal, or a stop that takes longer than `limits.shutdownTimeoutMs`, ends the process at once. Returns the
 * removal of the listeners.
 */
export function onStopRequest(stop: () => Promise<void>): () => void {
  let stopping = false;
  const begin = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), limits.shutdownTimeoutMs).unref();
    void stop();
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(exitCodes[signal] ?? 1);
    begin();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('disconnect', begin);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    process.off('disconnect', begin);
  };
}
