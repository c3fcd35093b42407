/** Hands items to a listener that may come later than the first of them. */
export interface Inbox<Item> {
  put(item: Item): void;
  listener: ((item: Item) => void) | undefined;
}

export function createInbox<Item>(): Inbox<Item> {
  const waiting: Item[] = [];
  let listener: ((item: Item) => void) | undefined;
  return {
    put(item) {
      if (listener) listener(item);
      else waiting.push(item);
    },
    get listener() {
      return listener;
    },
    set listener(next) {
      listener = next;
      for (const item of next ? waiting.splice(0) : []) next?.(item);
    },
  };
}
