import type { ReplicatedLog } from '../../../server/runtime/ports.ts';
import { type Command, KeyValueState } from './key-value-state.ts';

/** Follows a log: applies what is committed, and keeps the log short. */
export class AppliedState {
  readonly state = new KeyValueState();
  appliedIndex = 0;
  readonly #log: ReplicatedLog;
  readonly #compactEvery: number;
  readonly #waiting = new Map<number, (() => void)[]>();
  #compactedIndex = 0;
  #isCompacting = false;

  constructor(log: ReplicatedLog, compactEvery: number) {
    this.#log = log;
    this.#compactEvery = compactEvery;
  }

  /** Until the log is closed. */
  async follow(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const item of this.#log.committed(this.appliedIndex)) {
      const { index, kind } = item;
      if (kind === 'snapshot') this.state.restore(item.bytes);
      if (kind === 'command')
        this.state.apply(JSON.parse(decoder.decode(item.bytes)) as Command, item.proposal);
      this.#reach(index, kind === 'snapshot');
      if (index >= this.#compactedIndex + this.#compactEvery) this.#compact();
    }
  }

  until(index: number): Promise<void> {
    if (index <= this.appliedIndex) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(index);
      if (waiting === undefined) this.#waiting.set(index, [resolve]);
      else waiting.push(resolve);
    });
  }

  #reach(index: number, isJump: boolean): void {
    this.appliedIndex = index;
    const reached = isJump ? [...this.#waiting.keys()].filter((waited) => waited <= index) : [index];
    for (const waited of reached) {
      const waiting = this.#waiting.get(waited);
      if (waiting === undefined) continue;
      this.#waiting.delete(waited);
      for (const resolve of waiting) resolve();
    }
  }

  #compact(): void {
    if (this.#isCompacting) return;
    this.#isCompacting = true;
    this.#compactedIndex = this.appliedIndex;
    const compaction = this.#log.compact(this.appliedIndex, this.state.encode());
    void compaction.finally(() => {
      this.#isCompacting = false;
    });
  }
}
