import { Worker } from 'node:worker_threads';
import type { EngineChoice } from '../worker/engine/engine.ts';
import type { EngineHome } from '../worker/engine/engine-home.ts';
import { localCompute } from '../worker/local-compute.ts';
import type { ComputePorts } from '../worker/session/ports.ts';
import { createThreadCompute } from './compute-thread/thread-compute.ts';

/**
 * A GPU computes while this thread goes on, so its engine lives here; one that computes on the CPU would keep the
 * session from its socket, and gets a thread of its own.
 */
export function createNodeCompute(choice: EngineChoice, home: EngineHome): ComputePorts {
  const local = localCompute(choice, home);
  let ports = computesOnCpu(choice) ? createThreadCompute(choice, spawnComputeThread) : local;
  return {
    async openEngine() {
      const engine = await ports.openEngine();
      if (ports !== local || !computesOnCpu(engine.name)) return engine;
      await engine.close();
      ports = createThreadCompute(engine.name, spawnComputeThread);
      return ports.openEngine();
    },
    selfTest: (engine, modelKind) => ports.selfTest(engine, modelKind),
    createUnitRunner: (setup) => ports.createUnitRunner(setup),
    createBatchMemory: () => ports.createBatchMemory(),
  };
}

function computesOnCpu(choice: EngineChoice): boolean {
  return choice === 'wasm' || choice === 'cpu';
}

function spawnComputeThread(): Worker {
  const loader = new URL('./compute-thread/thread-loader.mjs', import.meta.url);
  return new Worker(loader, { execArgv: [], name: 'compute' });
}
