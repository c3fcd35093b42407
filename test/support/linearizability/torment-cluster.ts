import { limits } from '../../../shared/base/limits.ts';
import { createRandom } from '../../../shared/base/random.ts';
import type { LogCluster } from '../log-node/log-cluster.ts';
import { createAppendListModel } from './append-list-model.ts';
import { checkHistory } from './check-history.ts';
import { describeVerdict } from './describe-verdict.ts';
import { type NemesisOptions, tormentOnce } from './nemesis.ts';
import { registerModel } from './register-model.ts';
import { createRecorded, OperationCounter, WorkloadClient } from './workload.ts';

export interface TormentOptions extends NemesisOptions {
  /** Of this run on its cluster: clients and objects have names of their own. */
  readonly name: string;
  readonly seed: number;
  readonly clients: number;
  /** Clients go on after the last fault until they have done so many. */
  readonly operationsMin: number;
}

export interface TormentOutcome {
  readonly operations: number;
  /** Of clients that did not wait for the outcome. */
  readonly unanswered: number;
  /** Of the histories of registers and of lists. */
  readonly verdicts: readonly ('linearizable' | 'illegal' | 'unknown')[];
  /** The same in words. */
  readonly report: string;
  readonly term: number;
}

/** A connection that broke for one side alone may be found out only so late. */
const convergenceTimeoutMs = limits.peerBulkSilenceMs + 30_000;

/** Clients at work while every fault comes once; then the cluster is left alone, and must come to one state. */
export async function tormentCluster(cluster: LogCluster, options: TormentOptions): Promise<TormentOutcome> {
  const random = createRandom(options.seed);
  const recorded = createRecorded();
  const counter = new OperationCounter(options.name);
  let isCalm = false;
  const isOver = (): boolean => isCalm && counter.total >= options.operationsMin;
  const clients = Array.from({ length: options.clients }, (_, index) => {
    const name = `${options.name}${index}`;
    return new WorkloadClient(cluster, name, random.fork(name), recorded, counter).runUntil(isOver);
  });
  await tormentOnce(cluster, random.fork('faults'), options);
  isCalm = true;
  await Promise.all(clients);
  const { term } = await cluster.untilConverged(convergenceTimeoutMs);
  const registers = checkHistory(registerModel, recorded.registers.operations());
  const lists = checkHistory(createAppendListModel(), recorded.lists.operations());
  return {
    operations: counter.total,
    unanswered: counter.unanswered,
    verdicts: [registers.kind, lists.kind],
    report: `registers: ${describeVerdict(registers)}\nlists: ${describeVerdict(lists)}`,
    term,
  };
}
