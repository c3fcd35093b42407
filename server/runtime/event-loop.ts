import { assert } from '../../shared/base/assert.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Effect, Event } from '../core/events.ts';

export interface EventLoop {
  post(event: Event): void;
  /** Events that wait; for metrics and admission. */
  readonly queued: number;
  stop(): void;
}

export interface EventLoopDependencies {
  step(event: Event, nowMs: number): readonly Effect[];
  execute(effect: Effect): void;
  /** Called after the effects of `event`; compaction reads the state here, between two events. */
  afterStep(event: Event): void;
  now(): number;
  onFatal(error: unknown): void;
}

/**
 * The one queue of a coordinator. Events are stepped one at a time and their effects executed in order before the next
 * event is taken, so nothing ever sees a half-made decision. An exception in the core is a broken invariant: the
 * process must not go on with a state nobody understands, so it is fatal.
 */
export function createEventLoop({
  step,
  execute,
  afterStep,
  now,
  onFatal,
}: EventLoopDependencies): EventLoop {
  let queue: Event[] = [];
  let isDraining = false;
  let isStopped = false;

  const drain = (): void => {
    isDraining = true;
    try {
      while (queue.length > 0 && !isStopped) {
        const batch = queue;
        queue = [];
        for (const event of batch) {
          for (const effect of step(event, now())) execute(effect);
          afterStep(event);
        }
      }
    } catch (error) {
      isStopped = true;
      onFatal(error);
    } finally {
      isDraining = false;
    }
  };

  return {
    post(event) {
      if (isStopped) return;
      assert(queue.length < limits.eventQueueMax, 'the event queue is bounded by admission');
      queue.push(event);
      if (!isDraining) drain();
    },
    get queued() {
      return queue.length;
    },
    stop() {
      isStopped = true;
      queue = [];
    },
  };
}
