import type { Message } from '../../../server/raft/message.ts';
import type { RaftOutput } from '../../../server/raft/raft.ts';
import type { EventQueue } from './event-queue.ts';

const prime = 0x01000193;

/** A running hash of everything that members say and do, which tells whether two runs were the same; lines on demand. */
export class Trace {
  hash = 0x811c9dc5;
  private readonly queue: EventQueue;
  private readonly lines: string[] | undefined;

  constructor(queue: EventQueue, isRecorded: boolean) {
    this.queue = queue;
    this.lines = isRecorded ? [] : undefined;
  }

  output(id: string, { messages, messagesAfterPersist, committed, persist, reads }: RaftOutput): void {
    this.mix(this.queue.nowMs);
    this.mix(id.charCodeAt(0));
    for (const message of messages) this.message(message);
    for (const message of messagesAfterPersist) this.message(message);
    this.mix(committed.length);
    this.mix(reads.length);
    if (persist === undefined) return;
    const { hardState, snapshot, entries } = persist;
    this.mix(entries.length);
    if (this.lines === undefined) return;
    if (hardState)
      this.note(`${id} writes term ${hardState.term}, vote ${hardState.vote}, commit ${hardState.commit}`);
    if (snapshot) this.note(`${id} writes snapshot ${snapshot.meta.index} of term ${snapshot.meta.term}`);
    for (const { index, term, body } of entries)
      this.note(`${id} writes entry ${index} of term ${term}: ${body.kind}`);
  }

  fault(text: string): void {
    for (let at = 0; at < text.length; at++) this.mix(text.charCodeAt(at));
    if (this.lines !== undefined) this.note(`-- ${text}`);
  }

  /** The newest lines, if they were recorded. */
  tail(count: number): readonly string[] {
    return this.lines?.slice(-count) ?? [];
  }

  delivered(message: Message): void {
    this.message(message);
    if (this.lines !== undefined) this.note(`   ${describe(message)}`);
  }

  private message({ kind, term, from, to }: Message): void {
    this.mix(kind.length + (term << 5));
    this.mix(from.charCodeAt(0) + (to.charCodeAt(0) << 8));
  }

  private mix(value: number): void {
    this.hash = Math.imul(this.hash ^ value, prime);
  }

  private note(text: string): void {
    this.lines?.push(`${String(this.queue.nowMs).padStart(8)}  ${text}`);
    if ((this.lines?.length ?? 0) > 20_000) this.lines?.splice(0, 10_000);
  }
}

function describe(message: Message): string {
  const { kind, from, to, term, ...rest } = message;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${detail(name, value)}`);
  return `${from} -> ${to} ${kind} term=${term} ${details.join(' ')}`;
}

function detail(name: string, value: unknown): string {
  if (name === 'entries' && Array.isArray(value)) return String(value.length);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (name === 'meta' && typeof value === 'object' && value !== null && 'index' in value)
    return String(value.index);
  return JSON.stringify(value);
}
