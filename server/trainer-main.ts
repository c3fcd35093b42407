import { availableParallelism } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../shared/base/assert.ts';
import { limits } from '../shared/base/limits.ts';
import { loadAggregators } from './runtime/trainer/custom-aggregators.ts';
import { createLocalTrainer } from './runtime/trainer/local-trainer.ts';
import { serveTrainer } from './runtime/trainer/serve-trainer.ts';
import type { TrainerThreadData } from './runtime/trainer/spawn-trainer.ts';
import { startReducers } from './runtime/trainer/sum/reducers.ts';
import { openBlobStore } from './storage/blob-store.ts';
import { createCheckpointStore } from './storage/checkpoint-store.ts';

assert(parentPort !== null, 'this file is the entry of a thread');
const { blobFolder, aggregators } = workerData as TrainerThreadData;
const blobs = openBlobStore(blobFolder);
// One core is left to the loop that receives: with two, the trainer's own thread is the only one that adds.
const lanes = Math.min(availableParallelism() - 1, limits.reducerLanesMax);
const entry = new URL('./reducer-main.ts', import.meta.url);
const reducers = lanes > 1 ? { reducers: startReducers({ entry, lanes }) } : {};
const stores = { blobs, checkpoints: createCheckpointStore(blobs), ...reducers };
serveTrainer(parentPort, createLocalTrainer(stores, await loadAggregators(aggregators)));
