/** Items that wait for whoever takes them, in their order, so many at most. */
export interface Outbox<Item> {
  /** False when it is full or closed: the item is not taken. */
  push(item: Item): boolean;
  /** What waits, up to `batchMax` items at once, and what comes; ends when the box is closed. For one reader. */
  batches(batchMax: number): AsyncIterable<readonly Item[]>;
  /** What waits is dropped. */
  close(): void;
  readonly size: number;
}

export function createOutbox<Item>(itemsMax: number): Outbox<Item> {
  let items: Item[] = [];
  let isClosed = false;
  let wake = (): void => {};

  return {
    push(item) {
      if (isClosed || items.length >= itemsMax) return false;
      items.push(item);
      wake();
      return true;
    },
    async *batches(batchMax) {
      while (!isClosed) {
        if (items.length > 0) yield items.splice(0, batchMax);
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
    close() {
      isClosed = true;
      items = [];
      wake();
    },
    get size() {
      return items.length;
    },
  };
}
