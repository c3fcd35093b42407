interface HeapEntry {
  readonly pair: number;
  readonly count: number;
}

/**
 * The pair with the largest count, the smallest pair among equals. A binary heap whose outdated entries are dropped
 * when they come up.
 */
export class PairHeap {
  readonly #counts: ReadonlyMap<number, number>;
  readonly #entries: HeapEntry[] = [];

  /** `counts` stays the truth: tell of its changes through `changed`. */
  constructor(counts: ReadonlyMap<number, number>) {
    this.#counts = counts;
    for (const pair of counts.keys()) this.changed(pair);
  }

  changed(pair: number): void {
    const count = this.#counts.get(pair) ?? 0;
    if (count < 2) return;
    this.#entries.push({ pair, count });
    let place = this.#entries.length - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#precedes(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  /** Undefined when no pair occurs twice. */
  takeMost(): number | undefined {
    for (let top = this.#pop(); top; top = this.#pop()) {
      if (this.#counts.get(top.pair) === top.count) return top.pair;
    }
    return undefined;
  }

  #pop(): HeapEntry | undefined {
    const top = this.#entries[0];
    const last = this.#entries.pop();
    if (!top || !last || this.#entries.length === 0) return top;
    this.#entries[0] = last;
    for (let place = 0; ; ) {
      const left = place * 2 + 1;
      const smaller = this.#precedes(left + 1, left) ? left + 1 : left;
      if (!this.#precedes(smaller, place)) return top;
      this.#swap(smaller, place);
      place = smaller;
    }
  }

  #precedes(left: number, right: number): boolean {
    const a = this.#entries[left];
    const b = this.#entries[right];
    if (!a || !b) return false;
    return a.count === b.count ? a.pair < b.pair : a.count > b.count;
  }

  #swap(left: number, right: number): void {
    const a = this.#entries[left]!;
    this.#entries[left] = this.#entries[right]!;
    this.#entries[right] = a;
  }
}
