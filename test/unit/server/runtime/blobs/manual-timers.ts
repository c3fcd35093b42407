import type { Timers } from '../../../../../shared/protocol/timers.ts';

/** Time that passes when the test says so. */
export class ManualTimers implements Timers {
  private now = 0;
  private readonly tasks = new Set<{ readonly atMs: number; readonly run: () => void }>();

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.now + delayMs, run };
    this.tasks.add(task);
    return () => this.tasks.delete(task);
  }

  get waiting(): number {
    return this.tasks.size;
  }

  pass(ms: number): void {
    const endMs = this.now + ms;
    for (;;) {
      const [next] = [...this.tasks].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.tasks.delete(next);
      this.now = next.atMs;
      next.run();
    }
    this.now = endMs;
  }
}
