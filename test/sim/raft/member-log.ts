import type { Entry } from '../../../server/raft/entry.ts';
import { Violation } from './violation.ts';

/** A log as the simulator sees it: the entries after `baseIndex`. */
export class MemberLog {
  baseIndex = 0;
  baseTerm = 0;
  entries: Entry[] = [];

  get lastIndex(): number {
    return this.baseIndex + this.entries.length;
  }

  /** `undefined` beyond the end and for what was dropped. */
  termAt(index: number): number | undefined {
    if (index === this.baseIndex) return this.baseTerm;
    return this.entries[index - this.baseIndex - 1]?.term;
  }

  entryAt(index: number): Entry | undefined {
    return this.entries[index - this.baseIndex - 1];
  }

  /** The entry replaces the log from its index on. */
  write(entry: Entry): void {
    const at = entry.index - this.baseIndex - 1;
    if (at < 0 || at > this.entries.length) {
      throw new Violation(`entry ${entry.index} into a log of ${this.baseIndex + 1} to ${this.lastIndex}`);
    }
    this.entries.length = at;
    this.entries.push(entry);
  }

  /** A snapshot of a leader voids everything. */
  replace(index: number, term: number): void {
    this.entries = [];
    this.baseIndex = index;
    this.baseTerm = term;
  }

  /** A compaction drops the entries up to `index`. */
  trim(index: number): void {
    const term = this.termAt(index);
    if (index <= this.baseIndex || term === undefined) return;
    this.entries = this.entries.slice(index - this.baseIndex);
    this.baseIndex = index;
    this.baseTerm = term;
  }

  copy(): MemberLog {
    const copy = new MemberLog();
    copy.baseIndex = this.baseIndex;
    copy.baseTerm = this.baseTerm;
    copy.entries = this.entries.slice();
    return copy;
  }
}
