import { limits } from '../../shared/base/limits.ts';
import { createBatchPool } from '../../shared/data/batch-memory.ts';
import { selfTest } from './compute/self-test.ts';
import { createUnitRunner } from './compute/unit-runner.ts';
import type { EngineChoice } from './engine/engine.ts';
import type { EngineHome } from './engine/engine-home.ts';
import { openEngine } from './engine/open-engine.ts';
import type { ComputePorts } from './session/ports.ts';

/** Computing in the thread of the session. */
export function localCompute(choice: EngineChoice, home: EngineHome): ComputePorts {
  return {
    openEngine: () => openEngine(choice, home),
    selfTest,
    createUnitRunner,
    createBatchMemory: () => createBatchPool(limits.batchArraysKeptMax),
  };
}
