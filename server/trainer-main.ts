import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../shared/base/assert.ts';
import { loadAggregators } from './runtime/trainer/custom-aggregators.ts';
import { createLocalTrainer } from './runtime/trainer/local-trainer.ts';
import { serveTrainer } from './runtime/trainer/serve-trainer.ts';
import type { TrainerThreadData } from './runtime/trainer/spawn-trainer.ts';
import { openBlobStore } from './storage/blob-store.ts';
import { createCheckpointStore } from './storage/checkpoint-store.ts';

assert(parentPort !== null, 'this file is the entry of a thread');
const { blobFolder, aggregators } = workerData as TrainerThreadData;
const blobs = openBlobStore(blobFolder);
const stores = { blobs, checkpoints: createCheckpointStore(blobs) };
serveTrainer(parentPort, createLocalTrainer(stores, await loadAggregators(aggregators)));
