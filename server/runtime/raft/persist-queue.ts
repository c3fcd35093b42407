import type { Message } from '../../raft/message.ts';
import type { RaftOutput } from '../../raft/raft.ts';

interface Waiting {
  readonly sequence: number;
  readonly messages: readonly Message[];
  isDurable: boolean;
}

/** Outputs on their way to the disk, in order: one is done when it and all before it are durable. */
export class PersistQueue {
  #waiting: Waiting[] = [];

  /** Returns what to call when the output is durable. */
  add({ sequence, messagesAfterPersist: messages }: RaftOutput): () => void {
    const waiting = { sequence, messages, isDurable: false };
    this.#waiting.push(waiting);
    return () => {
      waiting.isDurable = true;
    };
  }

  /** What is done since the last call, if anything. */
  take(): { readonly sequence: number; readonly messages: readonly Message[] } | undefined {
    let count = 0;
    while (this.#waiting[count]?.isDurable) count += 1;
    const done = this.#waiting.splice(0, count);
    const last = done.at(-1);
    if (!last) return undefined;
    const messages = done.length === 1 ? last.messages : done.flatMap((each) => each.messages);
    return { sequence: last.sequence, messages };
  }
}
