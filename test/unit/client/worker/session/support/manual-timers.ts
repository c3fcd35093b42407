import type { Timers } from '../../../../../../shared/protocol/timers.ts';

/** A clock that moves only when told. */
export class ManualTimers implements Timers {
  private now = 0;
  private tasks: { readonly atMs: number; readonly task: () => void }[] = [];
  nowMs = (): number => this.now;

  after(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.now + delayMs, task };
    this.tasks.push(entry);
    return () => {
      this.tasks = this.tasks.filter((other) => other !== entry);
    };
  }

  advance(ms: number): void {
    this.now += ms;
    const due = this.tasks.filter(({ atMs }) => atMs <= this.now);
    this.tasks = this.tasks.filter(({ atMs }) => atMs > this.now);
    for (const { task } of due) task();
  }
}
