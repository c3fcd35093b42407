import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { assert } from '../../../shared/base/assert.ts';
import { createNodeEngineHome } from '../engine-home.ts';
import { serveCompute } from './serve-compute.ts';

/**
 * The machine belongs to its owner: whatever else runs comes first. So does the session beside this thread, and a
 * coordinator on the same machine, which have little to do while everybody waits for them.
 */
function yieldToOthers(): void {
  try {
    // On Linux a priority is the calling thread's own.
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some sandboxes do not allow it; then the worker competes like any other program.
  }
}

assert(parentPort !== null, 'this file is the entry of a thread');
yieldToOthers();
serveCompute(parentPort, createNodeEngineHome());
