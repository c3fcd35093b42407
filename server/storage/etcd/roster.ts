import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { asObject } from './gateway-messages.ts';

/** A coordinator, as it wrote itself down in etcd. */
export interface EtcdMember {
  readonly id: string;
  /** Of its data folder: two folders are never the same member. */
  readonly incarnation: string;
  /** `host:port` where other coordinators reach it. */
  readonly address: string;
  /** Where workers and pages reach it. */
  readonly clientUrl: string;
}

export interface Leader {
  readonly epoch: number;
  readonly id: string;
  /** The lease that its key lives by. */
  readonly lease: string;
}

export interface RosterState {
  readonly leader: Leader | undefined;
  readonly members: ReadonlyMap<string, EtcdMember>;
  /** Who alone may follow the present leader, for a short while. */
  readonly successor: string | undefined;
}

/** Who belongs to the cluster, and who leads it, as of the newest revision of etcd that told of either. */
export class Roster {
  #state: RosterState = { leader: undefined, members: new Map(), successor: undefined };
  #revision = 0;
  readonly #listeners = new Set<() => void>();

  get leader(): Leader | undefined {
    return this.#state.leader;
  }

  get members(): ReadonlyMap<string, EtcdMember> {
    return this.#state.members;
  }

  get successor(): string | undefined {
    return this.#state.successor;
  }

  /** What was so at `revision`; news from before what is known are ignored. */
  update(revision: number, change: Partial<RosterState>): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    const before = this.#state;
    this.#state = { ...before, ...change };
    const { leader, members, successor } = this.#state;
    const isSame =
      leader?.epoch === before.leader?.epoch &&
      successor === before.successor &&
      haveSame(members, before.members);
    if (isSame) return;
    for (const listener of [...this.#listeners]) listener();
  }

  updateMember(revision: number, id: string, member: EtcdMember | undefined): void {
    const members = new Map(this.#state.members);
    members.delete(id);
    if (member) members.set(id, member);
    this.update(revision, { members });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function haveSame(one: RosterState['members'], other: RosterState['members']): boolean {
  if (one.size !== other.size) return false;
  return [...one.values()].every((member) => {
    const known = other.get(member.id);
    return known !== undefined && encodeMember(known) === encodeMember(member);
  });
}

const allowedId = /^[\w.-]+$/;

/** @throws GradswarmError `badRequest`. */
export function checkMember({ id, address, clientUrl }: EtcdMember): void {
  if (!allowedId.test(id) || id.length > limits.nameCharactersMax) {
    throw new GradswarmError(
      'badRequest',
      `The name of a coordinator has 1 to ${limits.nameCharactersMax} letters, digits, ".", "_" and "-"; "${id}" has ` +
        'others.',
      'id',
    );
  }
  for (const [field, text] of Object.entries({ address, clientUrl })) {
    if (text.length <= limits.textCharactersMax) continue;
    throw new GradswarmError(
      'badRequest',
      `An address has at most ${limits.textCharactersMax} characters.`,
      field,
    );
  }
}

export function encodeMember({ id, incarnation, address, clientUrl }: EtcdMember): string {
  return JSON.stringify({ id, incarnation, address, clientUrl });
}

/** @throws GradswarmError `corrupted`. */
export function decodeMember(key: string, value: Uint8Array): EtcdMember {
  try {
    const { id, incarnation, address, clientUrl } = asObject(JSON.parse(new TextDecoder().decode(value)));
    return {
      id: text(id),
      incarnation: text(incarnation),
      address: text(address),
      clientUrl: text(clientUrl),
    };
  } catch {
    throw new GradswarmError(
      'corrupted',
      `The value of ${key} in etcd describes no coordinator. Delete the key, and start that coordinator again.`,
    );
  }
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('text belongs here');
}
