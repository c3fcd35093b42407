import type {
  Leadership,
  LogItem,
  ProposalOutcome,
  ReplicatedLog,
} from '../../../../server/runtime/ports.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

/** A log whose every word the test says. */
export class ScriptedLog implements ReplicatedLog {
  readonly proposals: { readonly bytes: Uint8Array; readonly clientId: string; readonly sequence: number }[] =
    [];
  /** What proposals come to, one after the other; the last stands for all that follow. */
  outcomes: ProposalOutcome[] = [{ kind: 'notLeader' }];
  /** Undefined while no leader can be asked. */
  barrierIndex: number | undefined = 0;
  private items: LogItem[] = [];
  private wake = (): void => {};
  private isClosed = false;
  private current: Leadership = { isLeader: false, epoch: 1 };
  private readonly listeners = new Set<(leadership: Leadership) => void>();

  async propose(
    bytes: Uint8Array,
    { clientId, sequence }: Parameters<ReplicatedLog['propose']>[1],
  ): Promise<ProposalOutcome> {
    this.proposals.push({ bytes, clientId, sequence });
    const outcome = this.outcomes.length > 1 ? this.outcomes.shift() : this.outcomes[0];
    return outcome ?? { kind: 'notLeader' };
  }

  /** Delivers the items, and resolves when they have been taken. */
  async deliver(...items: readonly LogItem[]): Promise<void> {
    this.items.push(...items);
    this.wake();
    await settled();
  }

  async *committed(): AsyncIterable<LogItem> {
    while (!this.isClosed) {
      const item = this.items.shift();
      if (item !== undefined) yield item;
      else
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
    }
  }

  async barrier(): Promise<number> {
    if (this.barrierIndex === undefined) throw new GradswarmError('unavailable', 'no leader is known');
    return this.barrierIndex;
  }

  leadership(): Leadership {
    return this.current;
  }

  async lead(isLeader: boolean, epoch: number): Promise<void> {
    this.current = { isLeader, epoch };
    for (const listener of this.listeners) listener(this.current);
    await settled();
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async compact(): Promise<void> {}

  async close(): Promise<void> {
    this.isClosed = true;
    this.wake();
  }
}

/** Everything that needs no timer has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
