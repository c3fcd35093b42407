interface Scheduled {
  readonly dueMs: number;
  readonly order: number;
  readonly action: (subject: unknown) => void;
  readonly subject: unknown;
}

function isBefore(left: Scheduled, right: Scheduled): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}

/**
 * The one clock of a simulated world: a binary heap of events, ordered by virtual time and, within a millisecond, by the
 * order in which they were scheduled. An event is an action and its subject, so that scheduling makes no closure.
 */
export class EventQueue {
  nowMs = 0;
  eventCount = 0;
  private order = 0;
  private readonly heap: Scheduled[] = [];

  schedule<T>(delayMs: number, action: (subject: T) => void, subject: T): void {
    const dueMs = this.nowMs + delayMs;
    const added: Scheduled = {
      dueMs,
      order: this.order++,
      action: action as (subject: unknown) => void,
      subject,
    };
    const { heap } = this;
    let at = heap.length;
    heap.push(added);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, added)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = added;
  }

  /** Runs everything that is due up to and including `endMs`. */
  runUntil(endMs: number): void {
    for (let next = this.heap[0]; next !== undefined && next.dueMs <= endMs; next = this.heap[0]) {
      this.removeFirst();
      this.nowMs = next.dueMs;
      this.eventCount++;
      next.action(next.subject);
    }
    this.nowMs = endMs;
  }

  private removeFirst(): void {
    const { heap } = this;
    const moved = heap.pop();
    if (moved === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const sibling = heap[childAt + 1];
      if (sibling !== undefined && isBefore(sibling, child)) {
        child = sibling;
        childAt++;
      }
      if (isBefore(moved, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = moved;
  }
}
