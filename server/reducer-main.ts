import { parentPort } from 'node:worker_threads';
import { assert } from '../shared/base/assert.ts';
import { serveReducer } from './runtime/trainer/sum/serve-reducer.ts';

assert(parentPort !== null, 'this file is the entry of a thread');
serveReducer(parentPort);
