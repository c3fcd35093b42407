import type { HardState, RaftStored, Snapshot } from './raft.ts';

interface Write {
  readonly sequence: number;
  /** The log as far as this write made it durable; less when it was truncated while the write was under way. */
  lastIndex: number;
  /** Of a leader, to be applied when it is durable. */
  installed: Snapshot | undefined;
  readonly hardState: HardState;
}

/**
 * What a member knows of its disk. Writes end in the order in which they began, several may be under way, and a log
 * that is truncated meanwhile takes their claims back: an index is durable only with the entry that memory holds
 * there now, whatever was written under the same index before.
 */
export class DiskView {
  /** Handed out to be written. */
  handedIndex: number;
  handedState: HardState;
  /** Durable, and equal to what memory holds. */
  durableIndex: number;
  durableState: HardState;
  #writes: Write[] = [];

  constructor({ hardState, snapshot }: RaftStored, lastIndex: number) {
    this.handedIndex = lastIndex;
    this.durableIndex = lastIndex;
    const commit = Math.max(hardState.commit, snapshot?.meta.index ?? 0);
    this.handedState = { ...hardState, commit };
    this.durableState = this.handedState;
  }

  begin(sequence: number, lastIndex: number, hardState: HardState, installed: Snapshot | undefined): void {
    this.handedIndex = lastIndex;
    this.handedState = hardState;
    this.#writes.push({ sequence, lastIndex, installed, hardState });
  }

  /** The newest snapshot among the writes that have ended, if any brought one. */
  finish(sequence: number): Snapshot | undefined {
    let installed: Snapshot | undefined;
    let count = 0;
    for (const write of this.#writes) {
      if (write.sequence > sequence) break;
      count += 1;
      this.durableIndex = Math.max(this.durableIndex, write.lastIndex);
      this.durableState = write.hardState;
      installed = write.installed ?? installed;
    }
    if (count > 0) this.#writes = this.#writes.slice(count);
    return installed;
  }

  truncateFrom(index: number): void {
    this.handedIndex = Math.min(this.handedIndex, index - 1);
    this.durableIndex = Math.min(this.durableIndex, index - 1);
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, index - 1);
  }

  /** The log begins anew at the end of a snapshot that is still to be written: nothing on the disk is part of it. */
  replaceLog(snapshotIndex: number): void {
    this.truncateFrom(1);
    for (const write of this.#writes) write.installed = undefined;
    this.handedIndex = snapshotIndex;
  }
}
