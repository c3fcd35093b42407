import type { CallRef, Event } from '../../server/core/events.ts';
import type { Answer, SimCoordinator } from './sim-coordinator.ts';
import type { World } from './world.ts';

/** What goes wrong on the way; all probabilities are 0 once the network has healed. */
export interface NetworkFaults {
  lossProbability: number;
  duplicateProbability: number;
  delayMsMax: number;
}

export const healthyNetwork: NetworkFaults = { lossProbability: 0, duplicateProbability: 0, delayMsMax: 5 };

/** A way that keeps the order of what it carries. */
export type Lane = (deliver: () => void) => void;

/** Calls over a network that delays, loses, repeats and so reorders messages. */
export class SimNetwork {
  faults: NetworkFaults = { ...healthyNetwork };

  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /**
   * `hear` is called exactly once: with the answer, or with undefined when none came in time. A caller that gives up
   * tells the coordinator, as a connection that closes does.
   */
  call(
    coordinator: SimCoordinator,
    makeEvent: (call: CallRef) => Event,
    timeoutMs: number,
    hear: (answer: Answer | undefined) => void,
  ): void {
    const { world } = this;
    let isOver = false;
    let opened: { readonly call: CallRef; readonly life: number } | undefined;
    const end = (answer: Answer | undefined): void => {
      if (isOver) return;
      isOver = true;
      hear(answer);
    };
    this.send(() => {
      const { life } = coordinator;
      const call = coordinator.call(makeEvent, (answer) => this.send(() => end(answer)));
      if (call !== undefined) opened = { call, life };
    });
    world.schedule(timeoutMs, () => {
      if (opened !== undefined && !isOver && opened.life === coordinator.life)
        coordinator.abandon(opened.call);
      end(undefined);
    });
  }

  /** A message without an answer. */
  tell(coordinator: SimCoordinator, event: Event): void {
    this.send(() => coordinator.hear(event));
  }

  /** Somebody sends a call again that was on the wire before; nobody hears the answer. */
  replay(coordinator: SimCoordinator, makeEvent: (call: CallRef) => Event): void {
    this.send(() => coordinator.call(makeEvent, () => {}));
  }

  /** As a stream or a channel: what is lost is lost, and the rest keeps its order. */
  lane(): Lane {
    const { world } = this;
    let lastMs = 0;
    return (deliver) => {
      const { lossProbability, duplicateProbability, delayMsMax } = this.faults;
      if (world.chance(lossProbability)) return;
      lastMs = Math.max(lastMs, world.nowMs + world.between(0.1, delayMsMax));
      world.schedule(lastMs - world.nowMs, deliver);
      if (world.chance(duplicateProbability)) world.schedule(lastMs - world.nowMs, deliver);
    };
  }

  private send(deliver: () => void): void {
    const { world, faults } = this;
    if (world.chance(faults.lossProbability)) return;
    world.schedule(world.between(0.1, faults.delayMsMax), deliver);
    if (world.chance(faults.duplicateProbability))
      world.schedule(world.between(0.1, 50 * faults.delayMsMax), deliver);
  }
}
