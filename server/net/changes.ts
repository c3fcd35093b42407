/** Tells watchers that something has changed; what it is now they look up themselves, so nothing queues up. */
export interface Changes {
  notify(topic: string): void;
  /** Begins to notice changes of the topic now. */
  watch(topic: string, signal: AbortSignal): ChangeWatch;
}

export interface ChangeWatch {
  /** Resolves at the next change, or at once when there was one since the last call; false once `signal` aborts. */
  next(): Promise<boolean>;
}

export function createChanges(): Changes {
  const topics = new Map<string, Set<() => void>>();

  return {
    notify(topic) {
      for (const mark of topics.get(topic) ?? []) mark();
    },
    watch(topic, signal) {
      let isChanged = false;
      let wake = (): void => {};
      const mark = (): void => {
        isChanged = true;
        wake();
      };
      const marks = topics.get(topic) ?? new Set<() => void>();
      topics.set(topic, marks.add(mark));
      const stop = (): void => {
        marks.delete(mark);
        if (marks.size === 0 && topics.get(topic) === marks) topics.delete(topic);
        wake();
      };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      return {
        async next() {
          if (!isChanged && !signal.aborted) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          isChanged = false;
          return !signal.aborted;
        },
      };
    },
  };
}
