import { createHash } from 'node:crypto';
import type { ProposalId } from '../../../server/raft/entry.ts';

/** What a client asks to be changed. */
export type Command =
  | { readonly kind: 'write'; readonly key: string; readonly value: string }
  | {
      readonly kind: 'compareAndSet';
      readonly key: string;
      /** Absent: the register was never written. */
      readonly expected?: string;
      readonly value: string;
    }
  /** Appends the command itself: who sent it, and its number. */
  | { readonly kind: 'append'; readonly key: string };

export type CommandResult =
  | { readonly kind: 'written' }
  | { readonly kind: 'compared'; readonly isSet: boolean }
  | { readonly kind: 'position'; readonly position: number };

export type Query = { readonly kind: 'register' | 'list'; readonly key: string };

export type QueryResult =
  | { readonly kind: 'value'; readonly value?: string }
  | { readonly kind: 'elements'; readonly elements: readonly string[] };

interface Answered {
  readonly sequence: number;
  readonly result: CommandResult;
}

/** Registers and lists, as the log makes them. Whether a command comes twice is the log's care, not this one's. */
export class KeyValueState {
  #registers = new Map<string, string>();
  #lists = new Map<string, string[]>();
  /** What the newest command of every client gave, for the client that did not hear. */
  #answered = new Map<string, Answered>();

  apply(command: Command, { clientId, sequence }: ProposalId): void {
    const result = this.#change(command, `${clientId}:${sequence}`);
    const newest = this.#answered.get(clientId)?.sequence ?? -1;
    if (sequence > newest) this.#answered.set(clientId, { sequence, result });
  }

  /** Undefined when the client has had a newer command applied. */
  resultOf({ clientId, sequence }: ProposalId): CommandResult | undefined {
    const answered = this.#answered.get(clientId);
    return answered?.sequence === sequence ? answered.result : undefined;
  }

  read({ kind, key }: Query): QueryResult {
    if (kind === 'list') return { kind: 'elements', elements: this.#lists.get(key) ?? [] };
    const value = this.#registers.get(key);
    return value === undefined ? { kind: 'value' } : { kind: 'value', value };
  }

  encode(): Uint8Array {
    const parts = [this.#registers, this.#lists, this.#answered].map((part) => [...part].sort(byKey));
    return new TextEncoder().encode(JSON.stringify(parts));
  }

  restore(bytes: Uint8Array): void {
    const [registers, lists, answered] = JSON.parse(new TextDecoder().decode(bytes)) as [
      [string, string][],
      [string, string[]][],
      [string, Answered][],
    ];
    this.#registers = new Map(registers);
    this.#lists = new Map(lists);
    this.#answered = new Map(answered);
  }

  hash(): string {
    return createHash('sha256').update(this.encode()).digest('hex');
  }

  #change(command: Command, element: string): CommandResult {
    const { kind, key } = command;
    if (kind === 'append') {
      const list = this.#lists.get(key) ?? [];
      this.#lists.set(key, list);
      list.push(element);
      return { kind: 'position', position: list.length - 1 };
    }
    if (kind === 'compareAndSet' && this.#registers.get(key) !== command.expected)
      return { kind: 'compared', isSet: false };
    this.#registers.set(key, command.value);
    return kind === 'write' ? { kind: 'written' } : { kind: 'compared', isSet: true };
  }
}

function byKey([left]: [string, unknown], [right]: [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
