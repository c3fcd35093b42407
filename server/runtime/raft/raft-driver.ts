import type { Message } from '../../raft/message.ts';
import type { Raft, RaftOutput, RaftStatus } from '../../raft/raft.ts';
import { PersistQueue } from './persist-queue.ts';
import type { RaftStorage } from './raft-storage.ts';

export interface RaftDriverHooks {
  /** Outputs are taken next: what was gathered until now may be given to the member. */
  taking(): void;
  send(message: Message): void;
  /** What is to be applied, in order. */
  apply(output: RaftOutput): void;
  /** Everything that the inputs so far led to is done, or on its way. */
  settled(status: RaftStatus): void;
  /** Disk or member can no longer be trusted; the driver has stopped. */
  failed(error: unknown, of: 'disk' | 'member'): void;
}

/**
 * Carries a member's outputs out: messages first, so that no heartbeat waits for the disk; then what must be durable,
 * several writes at once; then what may be said when it is. The inputs of one turn share their outputs, and so their
 * appends and syncs.
 */
export class RaftDriver {
  readonly raft: Raft;
  readonly #storage: RaftStorage;
  readonly #hooks: RaftDriverHooks;
  readonly #writes = new PersistQueue();
  #isPlanned = false;
  #isStopped = false;

  constructor(raft: Raft, storage: RaftStorage, hooks: RaftDriverHooks) {
    this.raft = raft;
    this.#storage = storage;
    this.#hooks = hooks;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Gives the member an input. A broken invariant in it ends the driver. */
  input(give: (raft: Raft) => void): void {
    if (this.#isStopped) return;
    try {
      give(this.raft);
    } catch (error) {
      this.#fail(error, 'member');
    }
    this.plan();
  }

  /** Outputs are taken at the end of this turn. */
  plan(): void {
    if (this.#isPlanned || this.#isStopped) return;
    this.#isPlanned = true;
    setImmediate(() => this.#takeOutputs());
  }

  stop(): void {
    this.#isStopped = true;
  }

  #takeOutputs(): void {
    this.#isPlanned = false;
    if (this.#isStopped) return;
    try {
      this.#finishWrites();
      this.#hooks.taking();
      for (let output = this.raft.takeOutput(); output; output = this.raft.takeOutput())
        this.#carryOut(output);
      this.#hooks.settled(this.raft.status());
    } catch (error) {
      this.#fail(error, 'member');
    }
  }

  #finishWrites(): void {
    const done = this.#writes.take();
    if (!done) return;
    this.raft.persisted(done.sequence);
    for (const message of done.messages) this.#hooks.send(message);
  }

  #carryOut(output: RaftOutput): void {
    for (const message of output.messages) this.#hooks.send(message);
    const finish = this.#writes.add(output);
    if (output.persist === undefined) {
      finish();
      this.#finishWrites();
    } else {
      this.#storage.persist(output.persist).then(
        () => {
          finish();
          this.plan();
        },
        (error: unknown) => this.#fail(error, 'disk'),
      );
    }
    this.#hooks.apply(output);
  }

  #fail(error: unknown, of: 'disk' | 'member'): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#hooks.failed(error, of);
  }
}
