import { GradswarmError } from '../../../shared/base/errors.ts';

/** Something that comes and goes, for those who can wait a moment for it. */
export interface Presence<Value> {
  readonly current: Value | undefined;
  set(value: Value | undefined): void;
  /** @throws GradswarmError `cancelled`, or `unavailable` when it does not come within `timeoutMs`. */
  wait(signal: AbortSignal, timeoutMs: number, what: string): Promise<Value>;
}

export function createPresence<Value>(): Presence<Value> {
  let current: Value | undefined;
  const waiting = new Set<(value: Value) => void>();
  return {
    get current() {
      return current;
    },
    set(value) {
      current = value;
      if (value !== undefined) for (const resolve of [...waiting]) resolve(value);
    },
    wait(signal, timeoutMs, what) {
      if (signal.aborted) return Promise.reject(new GradswarmError('cancelled', 'the caller gave up'));
      if (current !== undefined) return Promise.resolve(current);
      return new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          waiting.delete(onValue);
          signal.removeEventListener('abort', onAbort);
          act();
        };
        const onValue = (value: Value): void => settle(() => resolve(value));
        const onAbort = (): void =>
          settle(() => reject(new GradswarmError('cancelled', 'the caller gave up')));
        const timer = setTimeout(
          () => settle(() => reject(new GradswarmError('unavailable', `${what} is not connected`))),
          timeoutMs,
        );
        waiting.add(onValue);
        signal.addEventListener('abort', onAbort);
      });
    },
  };
}
