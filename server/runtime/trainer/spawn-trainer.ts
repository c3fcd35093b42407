import { Worker } from 'node:worker_threads';
import type { Trainer } from '../ports.ts';
import { createThreadTrainer, type ThreadTrainerOptions } from './thread-trainer.ts';

/** What the thread's entry reads from `workerData`. */
export interface TrainerThreadData {
  readonly blobFolder: string;
  /** Files of the operator's own aggregators, by name. */
  readonly aggregators: Readonly<Record<string, string>>;
}

/** Starts the trainer in a thread of its own; `entry` is the thread's wiring file. */
export function spawnTrainer(entry: URL, data: TrainerThreadData, options: ThreadTrainerOptions): Trainer {
  const loader = new URL('./thread-loader.mjs', import.meta.url);
  const workerData = { ...data, entry: entry.href };
  return createThreadTrainer(new Worker(loader, { workerData, execArgv: [], name: 'trainer' }), options);
}
