import type { UnitRunner } from '../../../../../../client/worker/compute/unit-runner.ts';
import type { Engine } from '../../../../../../client/worker/engine/engine.ts';
import type { ComputePorts } from '../../../../../../client/worker/session/ports.ts';
import { GradswarmError } from '../../../../../../shared/base/errors.ts';
import { limits } from '../../../../../../shared/base/limits.ts';
import type { Batch } from '../../../../../../shared/data/batch.ts';
import { createBatchPool } from '../../../../../../shared/data/batch-memory.ts';

/** Values of the vector that `createPlainCompute` trains. */
export const plainLength = 300;

export interface PlainCompute extends ComputePorts {
  /** Makes the next units wait in their middle until `release`. */
  hold(): void;
  release(): void;
  /** Resolves when a unit is being computed. */
  readonly entered: () => Promise<void>;
  readonly closed: () => boolean;
  /** The next self-test fails. */
  failSelfTest(): void;
  /** The next units fail. */
  failUnits(count: number): void;
  /** The next unit gives no finite value, and the one after it waits until `release`. */
  spoilUnit(): void;
  /** Runners that were disposed of while they computed. */
  readonly disposedInUse: () => number;
  /** Runners built so far. */
  readonly runners: () => number;
}

const plainEngine: Engine = {
  name: 'cpu',
  determinismClass: { engine: 'cpu', build: 'by hand' },
  deviceInWords: 'a test',
  software: false,
  computesAside: false,
  enter() {},
  isLost: () => false,
  onLost: () => () => {},
  takeError: () => undefined,
  async rebuild() {},
  async close() {},
};

/**
 * A tiny model by hand, for tests that have to stop time inside a unit: the gradient of value i is its distance to
 * the mean of feature i mod 2.
 */
export function createPlainCompute(aside: boolean): PlainCompute {
  let failing = 0;
  let isSpoiling = false;
  let disposedInUse = 0;
  let runners = 0;
  let selfTestFails = false;
  let closed = false;
  let gate: Promise<void> = Promise.resolve();
  let openGate = (): void => {};
  let enter = (): void => {};
  let entered = new Promise<void>((resolve) => {
    enter = resolve;
  });

  const hold = (): void => {
    gate = new Promise((resolve) => {
      openGate = resolve;
    });
    entered = new Promise((resolve) => {
      enter = resolve;
    });
  };

  const createRunner = (): UnitRunner => {
    runners++;
    const flat = new Float32Array(plainLength);
    let version: number | undefined;
    let isComputing = false;
    return {
      get version() {
        return version;
      },
      setParameters(next, values) {
        flat.set(values);
        version = next;
      },
      async train(batch) {
        isComputing = true;
        enter();
        await gate;
        isComputing = false;
        if (failing-- > 0) throw new Error('the kernel is broken');
        if (!isSpoiling) return plainGradient(flat, batch);
        isSpoiling = false;
        hold();
        return { update: new Float32Array(plainLength).fill(Number.NaN), loss: 1 };
      },
      async evaluate(batch) {
        return { lossSum: batch.count / 2, correct: batch.count };
      },
      sampleTokens: async () => [],
      dispose() {
        if (isComputing) disposedInUse++;
      },
    };
  };

  return {
    createBatchMemory: () => createBatchPool(limits.batchArraysKeptMax),
    openEngine: async () => ({
      ...plainEngine,
      computesAside: aside,
      async close() {
        closed = true;
      },
    }),
    createUnitRunner: async () => createRunner(),
    selfTest: async () => {
      if (selfTestFails) throw new GradswarmError('selfTestFailed', 'gradient off by 3e-1');
    },
    hold,
    release: () => openGate(),
    entered: () => entered,
    closed: () => closed,
    failSelfTest() {
      selfTestFails = true;
    },
    failUnits(count) {
      failing = count;
    },
    spoilUnit() {
      isSpoiling = true;
    },
    disposedInUse: () => disposedInUse,
    runners: () => runners,
  };
}

function plainGradient(flat: Float32Array, batch: Batch): { update: Float32Array; loss: number } {
  const means = [0, 1].map((feature) => {
    let sum = 0;
    for (let row = 0; row < batch.count; row++) sum += batch.x[row * 2 + feature] ?? 0;
    return sum / batch.count;
  });
  const update = flat.map((value, index) => value - (means[index % 2] ?? 0));
  return { update, loss: update.reduce((sum, value) => sum + value * value, 0) / flat.length };
}
