/** Readers wait here for the next change of what they read. */
export class NextChange {
  readonly #waiting = new Set<() => void>();

  /** Resolves at the next `wake`, or when `signal` is aborted. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.#waiting.add(end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }

  wake(): void {
    for (const end of [...this.#waiting]) end();
  }
}
