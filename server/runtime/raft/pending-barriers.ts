import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Raft, RaftOutput } from '../../raft/raft.ts';

/** Callers that share their attempts. An index that was asked for after they came is good for all of them. */
interface Group {
  readonly resolves: ((index: number) => void)[];
  readonly rejects: ((error: Error) => void)[];
  /** Every attempt has an id of its own; an older one may still be answered. */
  attempts: number[];
  ticksUntilRetry: number;
}

/** Attempts of one group whose answers are still good; older ones are forgotten. */
const attemptsMax = 3;

/** Asks for an index to read at until there is an answer, however long the cluster has no leader. */
export class PendingBarriers {
  readonly #raft: Pick<Raft, 'read'>;
  readonly #retryTicks: number;
  #groups: Group[] = [];
  /** Came since the last attempt. */
  #newest: Group | undefined;
  #nextId = 1;

  constructor(raft: Pick<Raft, 'read'>, retryTicks: number) {
    this.#raft = raft;
    this.#retryTicks = retryTicks;
  }

  /** Asked for at the next `start`. */
  add(): Promise<number> {
    this.#newest ??= { resolves: [], rejects: [], attempts: [], ticksUntilRetry: 0 };
    const { resolves, rejects } = this.#newest;
    return new Promise((resolve, reject) => {
      resolves.push(resolve);
      rejects.push(reject);
    });
  }

  start(): void {
    if (!this.#newest) return;
    this.#groups.push(this.#newest);
    this.#attempt(this.#newest);
    this.#newest = undefined;
  }

  tick(): void {
    for (const group of this.#groups) {
      group.ticksUntilRetry -= 1;
      if (group.ticksUntilRetry <= 0) this.#attempt(group);
    }
  }

  /** There is a leader to ask. */
  retry(): void {
    for (const group of this.#groups) this.#attempt(group);
  }

  settle(answers: RaftOutput['reads']): void {
    for (const { readId, index } of answers) {
      const group = this.#groups.find(({ attempts }) => attempts.includes(readId));
      if (!group) continue;
      // Without a leader to ask, asking at once again would be a busy loop.
      if (index === undefined) group.ticksUntilRetry = 1;
      else {
        this.#groups = this.#groups.filter((other) => other !== group);
        for (const resolve of group.resolves) resolve(index);
      }
    }
  }

  close(): void {
    const error = new GradswarmError('unavailable', 'The log is closed.');
    const groups = this.#newest ? [...this.#groups, this.#newest] : this.#groups;
    for (const { rejects } of groups) for (const reject of rejects) reject(error);
    this.#groups = [];
    this.#newest = undefined;
  }

  #attempt(group: Group): void {
    const id = this.#nextId++;
    group.attempts = [...group.attempts.slice(1 - attemptsMax), id];
    group.ticksUntilRetry = this.#retryTicks;
    this.#raft.read(id);
  }
}
