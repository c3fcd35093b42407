import { healthyNetwork, type SimNetwork } from './network.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimLog } from './sim-log.ts';
import type { SimWorker, WorkerNature } from './sim-worker.ts';
import type { World } from './world.ts';

interface FaultTargets {
  readonly world: World;
  readonly network: SimNetwork;
  readonly log: SimLog;
  readonly coordinators: readonly SimCoordinator[];
  readonly workers: readonly SimWorker[];
}

/** Begins, and returns what ends it. */
export type Fault = (targets: FaultTargets) => () => void;

/** Some workers, never all of them, are of another nature for a while. */
export function natured(change: Partial<WorkerNature>): Fault {
  return ({ world, workers }) => {
    const before = workers.map(({ nature }) => nature);
    const back = new Set<SimWorker>();
    for (const [index, worker] of workers.entries()) {
      if (index === 0) continue;
      worker.nature = { ...worker.nature, ...change };
      back.add(worker);
    }
    const returning = (): void => {
      for (const worker of back) worker.join();
      if (back.size > 0) world.schedule(1_000, returning);
    };
    returning();
    return () => {
      back.clear();
      for (const [index, worker] of workers.entries()) worker.nature = before[index] ?? worker.nature;
    };
  };
}

function ofReducers(begin: (coordinator: SimCoordinator, world: World) => void): Fault {
  return ({ world, coordinators }) => {
    for (const coordinator of coordinators) begin(coordinator, world);
    return () => {
      for (const coordinator of coordinators) {
        coordinator.reduceFails = () => false;
        coordinator.storeFails = () => false;
        coordinator.stallMs = () => 0;
      }
    };
  };
}

/** Between workers and coordinators. */
export const troubledNetwork: Fault = ({ network }) => {
  network.faults = { lossProbability: 0.05, duplicateProbability: 0.1, delayMsMax: 60 };
  return () => {
    network.faults = { ...healthyNetwork };
  };
};

/** Everything that can go wrong between a lease and its count, one at a time. */
export const faults: { readonly [Name: string]: Fault } = {
  'workers fail before they send': natured({ vanishProbability: 0.3 }),
  'workers fail while they send': natured({ vanishSendingProbability: 0.3 }),
  'workers send slowly': natured({ sendMs: 2_500 }),
  'the reducer fails': ofReducers((coordinator, world) => {
    coordinator.reduceFails = () => world.chance(0.03);
    coordinator.storeFails = () => world.chance(0.05);
  }),
  'the reducer is slow': ofReducers((coordinator, world) => {
    coordinator.stallMs = () => (world.chance(0.2) ? world.between(0, 900) : 0);
  }),
  'workers take back what they asked for': natured({ cancelProbability: 0.3 }),
  'workers lie': natured({ lieProbability: 0.4 }),
  'workers send again what was counted': natured({ replayProbability: 0.6 }),
};
