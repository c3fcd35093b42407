import { assert } from '../../../shared/base/assert.ts';
import type { Segment } from './segment.ts';

/** Where an entry lies, and the checksum before it, so that it is verified again when it is read. */
export interface EntryLocation {
  readonly segment: Segment;
  readonly offset: number;
  readonly end: number;
  readonly term: number;
  readonly previousChecksum: number;
}

/** The entries that count, without gaps: a later record at an index replaces the entries from there on. */
export class EntryIndex {
  /** Index of the entry before the first. */
  #base = 0;
  #locations: EntryLocation[] = [];

  get firstIndex(): number {
    return this.#base + 1;
  }

  get lastIndex(): number {
    return this.#base + this.#locations.length;
  }

  at(index: number): EntryLocation | undefined {
    return this.#locations[index - this.#base - 1];
  }

  /**
   * Whether an entry at `index` would leave no gap. One before the first begins the log anew: when the segments before
   * were dropped, the rest may begin with entries that were replaced, together with some that were dropped.
   */
  accepts(index: number): boolean {
    return index >= 1 && index <= this.lastIndex + 1;
  }

  put(index: number, location: EntryLocation): void {
    assert(this.accepts(index), `entry ${index} follows entry ${this.lastIndex}`);
    this.#base = Math.min(this.#base, index - 1);
    this.#locations.length = index - this.#base - 1;
    this.#locations.push(location);
  }

  /** Voids everything; the next entry is `index + 1`. */
  reset(index: number): void {
    this.#base = index;
    this.#locations = [];
  }

  /** Forgets entries before `firstIndex`. */
  dropBefore(firstIndex: number): void {
    const count = Math.min(Math.max(firstIndex - this.firstIndex, 0), this.#locations.length);
    this.#locations.splice(0, count);
    this.#base += count;
  }
}
