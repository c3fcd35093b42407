import { limits } from '../../shared/base/limits.ts';
import type { ProposalId } from './entry.ts';

export interface LogPosition {
  readonly index: number;
  readonly epoch: number;
}

interface Session {
  /** Sequences up to here may be forgotten; what is not in `positions` cannot be judged. */
  floor: number;
  /** The latest proposals, in the order of the log. */
  readonly positions: Map<number, LogPosition>;
}

/**
 * Which proposals are in the log, so that a repeated one is not applied again. Bounded: the client that was silent
 * longest is forgotten first, and of each client only the latest proposals are known. Depends on the log alone.
 */
export class SessionTable {
  /** The client heard of last comes last. */
  readonly #sessions = new Map<string, Session>();

  /** `forgotten`: the proposal is older than what is remembered, and may or may not be in the log. */
  find({ clientId, sequence }: ProposalId): LogPosition | 'new' | 'forgotten' {
    const session = this.#sessions.get(clientId);
    if (!session) return 'new';
    return session.positions.get(sequence) ?? (sequence <= session.floor ? 'forgotten' : 'new');
  }

  record({ clientId, sequence }: ProposalId, position: LogPosition): void {
    const session = this.#sessions.get(clientId) ?? { floor: -1, positions: new Map() };
    this.#sessions.delete(clientId);
    this.#sessions.set(clientId, session);
    session.positions.set(sequence, position);
    if (session.positions.size > limits.sequencesPerSessionMax) {
      const [oldest = 0] = session.positions.keys();
      session.positions.delete(oldest);
      session.floor = Math.max(session.floor, oldest);
    }
    if (this.#sessions.size <= limits.clientSessionsMax) return;
    const [silent = ''] = this.#sessions.keys();
    this.#sessions.delete(silent);
  }

  encode(): Uint8Array {
    const rows = [...this.#sessions].map(([clientId, { floor, positions }]) => [
      clientId,
      floor,
      [...positions].map(([sequence, { index, epoch }]) => [sequence, index, epoch]),
    ]);
    return asciiBytes(JSON.stringify(rows));
  }

  /** `bytes` came from `encode` and passed their checksum. */
  static decode(bytes: Uint8Array): SessionTable {
    const rows: [string, number, [number, number, number][]][] = JSON.parse(asciiText(bytes));
    const table = new SessionTable();
    for (const [clientId, floor, positions] of rows) {
      const entries = positions.map(([sequence, index, epoch]) => [sequence, { index, epoch }] as const);
      table.#sessions.set(clientId, { floor, positions: new Map(entries) });
    }
    return table;
  }
}

/** JSON may escape what is not ASCII, and then every character is a byte: pure code has no other encoder. */
function asciiBytes(json: string): Uint8Array {
  const ascii = json.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

function asciiText(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += charactersPerCall) {
    parts.push(String.fromCharCode(...bytes.subarray(start, start + charactersPerCall)));
  }
  return parts.join('');
}

const charactersPerCall = 8_192;
