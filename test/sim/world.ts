import { createRandom, type Random } from '../../shared/base/random.ts';

interface Scheduled {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** Virtual time in one thread: everything that happens is a scheduled call, and equal seeds give equal histories. */
export class World {
  readonly random: Random;
  nowMs = 1_000_000;
  private readonly heap: Scheduled[] = [];
  private sequence = 0;

  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;

    this.random = createRandom(seed);
  }

  schedule(delayMs: number, run: () => void): void {
    this.sequence += 1;
    this.heap.push({ atMs: this.nowMs + delayMs, sequence: this.sequence, run });
    this.rise(this.heap.length - 1);
  }

  /** Runs scheduled calls in order of time until `isDone` or `limitMs` of virtual time. True when done. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const endMs = this.nowMs + limitMs;
    while (!isDone()) {
      const next = this.heap[0];
      if (next === undefined || next.atMs > endMs) return false;
      this.removeFirst();
      this.nowMs = next.atMs;
      next.run();
    }
    return true;
  }

  chance(probability: number): boolean {
    return this.random.unit() < probability;
  }

  /** Uniform in [lowMs, highMs). */
  between(lowMs: number, highMs: number): number {
    return lowMs + this.random.unit() * (highMs - lowMs);
  }

  private isBefore(a: number, b: number): boolean {
    const [first, second] = [this.heap[a], this.heap[b]];
    if (first === undefined || second === undefined) return false;
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.sequence < second.sequence);
  }

  private swap(a: number, b: number): void {
    const [first, second] = [this.heap[a], this.heap[b]];
    if (first === undefined || second === undefined) return;
    this.heap[a] = second;
    this.heap[b] = first;
  }

  private rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private removeFirst(): void {
    this.swap(0, this.heap.length - 1);
    this.heap.pop();
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const smaller = this.isBefore(right, left) ? right : left;
      if (!this.isBefore(smaller, at)) return;
      this.swap(at, smaller);
      at = smaller;
    }
  }
}
