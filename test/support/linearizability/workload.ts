import type { Random } from '../../../shared/base/random.ts';
import type { LogCluster } from '../log-node/log-cluster.ts';
import { LogSession, type Patience } from '../log-node/log-session.ts';
import type { ListInput, ListOutput } from './append-list-model.ts';
import { HistoryRecorder } from './history.ts';
import type { RegisterInput, RegisterOutput, RegisterValue } from './register-model.ts';

/** What the clients of one run did. */
export interface Recorded {
  readonly registers: HistoryRecorder<RegisterInput, RegisterOutput>;
  readonly lists: HistoryRecorder<ListInput, ListOutput>;
}

export function createRecorded(): Recorded {
  return { registers: new HistoryRecorder(), lists: new HistoryRecorder() };
}

/** Objects that are in use at once. */
const keysInUse = 6;
/** So many operations later, all clients have gone on to fresh objects: a search in one stays short. */
const operationsPerGeneration = 400;
/** Long enough for an election, and for a node to come back. */
const persistent: Patience = { attemptMs: 1_500, attemptsMax: 1_000 };
/** Gives up after one attempt: its command may come into effect much later. */
const hasty: Patience = { attemptMs: 150, attemptsMax: 1 };
const hastyProbability = 0.04;

/** Counts the operations of all clients of a run. */
export class OperationCounter {
  /** Begins the names of the run's objects. */
  readonly runName: string;
  total = 0;
  unanswered = 0;

  constructor(runName: string) {
    this.runName = runName;
  }
}

/** One client that does one thing after the other. A client that gave up goes on under another name. */
export class WorkloadClient {
  readonly #cluster: LogCluster;
  readonly #name: string;
  readonly #random: Random;
  readonly #recorded: Recorded;
  readonly #counter: OperationCounter;
  #lives = 0;
  #session: LogSession;
  #lastSeen: RegisterValue;

  constructor(
    cluster: LogCluster,
    name: string,
    random: Random,
    recorded: Recorded,
    counter: OperationCounter,
  ) {
    this.#cluster = cluster;
    this.#name = name;
    this.#random = random;
    this.#recorded = recorded;
    this.#counter = counter;
    this.#session = this.#begin();
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const generation = Math.floor(this.#counter.total / operationsPerGeneration);
      this.#counter.total += 1;
      const key = `${this.#counter.runName}${generation}k${this.#random.below(keysInUse)}`;
      const isAnswered = this.#random.unit() < 0.3 ? await this.#useList(key) : await this.#useRegister(key);
      if (!isAnswered) this.#endLife();
    }
    this.#session.close();
  }

  async #useRegister(key: string): Promise<boolean> {
    const { clientId } = this.#session;
    const value = `${clientId}:${this.#session.nextSequence}`;
    const choice = this.#random.below(4);
    const input: RegisterInput =
      choice === 0
        ? { kind: 'write', value }
        : choice === 1
          ? { kind: 'compareAndSet', expected: this.#lastSeen, value }
          : { kind: 'read' };
    const open = this.#recorded.registers.call(clientId, key, input);
    if (input.kind === 'read') {
      const result = await this.#session.read({ kind: 'register', key }, persistent, this.#readFrom());
      if (result?.kind !== 'value') return false;
      this.#lastSeen = result.value;
      open.returned({ kind: 'value', value: result.value });
      return true;
    }
    const { expected, ...command } = { expected: undefined, key, ...input };
    const result = await this.#session.execute(
      expected === undefined ? command : { ...command, kind: 'compareAndSet', expected },
      this.#patience(),
    );
    if (result === undefined || result.kind === 'position') return false;
    open.returned(result);
    return true;
  }

  async #useList(key: string): Promise<boolean> {
    const { clientId, nextSequence: sequence } = this.#session;
    if (this.#random.unit() < 0.5) {
      const open = this.#recorded.lists.call(clientId, key, { kind: 'read' });
      const result = await this.#session.read({ kind: 'list', key }, persistent, this.#readFrom());
      if (result?.kind !== 'elements') return false;
      open.returned(result);
      return true;
    }
    const open = this.#recorded.lists.call(clientId, key, { kind: 'append', clientId, sequence });
    const result = await this.#session.execute({ kind: 'append', key }, this.#patience());
    if (result?.kind !== 'position') return false;
    open.returned(result);
    return true;
  }

  #patience(): Patience {
    return this.#random.unit() < hastyProbability ? hasty : persistent;
  }

  /** Every node can answer a read; one that lags behind must not answer it with what it has. */
  #readFrom(): string | undefined {
    const { ids } = this.#cluster;
    return this.#random.unit() < 0.4 ? ids[this.#random.below(ids.length)] : undefined;
  }

  #endLife(): void {
    this.#counter.unanswered += 1;
    this.#session.close();
    this.#session = this.#begin();
  }

  #begin(): LogSession {
    this.#lives += 1;
    return new LogSession(this.#cluster, `${this.#name}-${this.#lives}`, this.#random);
  }
}
