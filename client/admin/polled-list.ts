import { type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '../../shared/base/limits.ts';
import { isConnectionLost, messageOf } from './error-words.ts';

/** A list that is asked for again and again while it is shown. */
export interface PolledList<Item> {
  /** Undefined until the first answer. */
  readonly items: ReadonlySignal<readonly Item[] | undefined>;
  readonly error: ReadonlySignal<string>;
  refresh(): Promise<void>;
  /** Begins to ask, at once and then every `limits.adminRefreshMs`; the function returned ends it. */
  poll(): () => void;
}

export function createPolledList<Item>(ask: () => Promise<readonly Item[]>): PolledList<Item> {
  const items = signal<readonly Item[] | undefined>(undefined);
  const error = signal('');

  const refresh = async (): Promise<void> => {
    try {
      items.value = await ask();
      error.value = '';
    } catch (failure) {
      // The page's header already says that it reconnects.
      if (!isConnectionLost(failure)) error.value = messageOf(failure);
    }
  };

  return {
    items,
    error,
    refresh,
    poll() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isOver = false;
      const loop = async (): Promise<void> => {
        await refresh();
        if (!isOver) timer = setTimeout(() => void loop(), limits.adminRefreshMs);
      };
      void loop();
      return () => {
        isOver = true;
        clearTimeout(timer);
      };
    },
  };
}
