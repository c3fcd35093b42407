import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { EtcdGateway } from './gateway.ts';
import {
  compareCreateRevision,
  compareValue,
  deleteKey,
  getKey,
  type JsonObject,
  put,
  readTransaction,
} from './gateway-messages.ts';
import type { EtcdKeys } from './keys.ts';
import { readMember } from './read-page.ts';
import { checkMember, type EtcdMember, encodeMember, type Roster } from './roster.ts';

export interface MembershipDependencies {
  readonly gateway: EtcdGateway;
  readonly keys: EtcdKeys;
  readonly roster: Roster;
  readonly signal: AbortSignal;
}

/** Coordinators write themselves down in etcd, and stay there until an operator removes them. */
export class Membership {
  readonly #dependencies: MembershipDependencies;

  constructor(dependencies: MembershipDependencies) {
    this.#dependencies = dependencies;
  }

  /** Adds the member, or changes where it is reached. @throws GradswarmError `conflict` when the id is another's. */
  async write(member: EtcdMember): Promise<void> {
    checkMember(member);
    const { keys, roster } = this.#dependencies;
    if (!roster.members.has(member.id) && roster.members.size >= limits.etcdMembersMax) {
      const message = `A cluster has at most ${limits.etcdMembersMax} coordinators; remove one first.`;
      throw new GradswarmError('conflict', message, 'id');
    }
    const key = `${keys.members}${member.id}`;
    const write = [put(key, encodeMember(member))];
    let compare = compareCreateRevision(key, 0);
    while (true) {
      const { succeeded, revision, ranges } = await this.#transact([compare], write, [getKey(key)]);
      if (succeeded) return roster.updateMember(revision, member.id, member);
      const pair = ranges[0]?.pairs[0];
      const present = pair && readMember(pair);
      if (present && present.incarnation !== member.incarnation) throw taken(member.id);
      compare = present ? compareValue(key, encodeMember(present)) : compareCreateRevision(key, 0);
    }
  }

  /** @throws GradswarmError `notFound`. */
  async remove(id: string): Promise<void> {
    const { keys, roster } = this.#dependencies;
    if (!roster.members.has(id)) {
      throw new GradswarmError('notFound', `No coordinator of this cluster is named "${id}".`, 'id');
    }
    const { revision } = await this.#transact([], [deleteKey(`${keys.members}${id}`)], []);
    roster.updateMember(revision, id, undefined);
  }

  async #transact(
    compare: readonly JsonObject[],
    success: readonly JsonObject[],
    failure: readonly JsonObject[],
  ) {
    const { gateway, signal } = this.#dependencies;
    return readTransaction(await gateway.call('/v3/kv/txn', { compare, success, failure }, { signal }));
  }
}

function taken(id: string): GradswarmError {
  return new GradswarmError(
    'conflict',
    `A coordinator named "${id}" with another data folder belongs to this cluster. Choose another name; or, when that ` +
      `one is lost for good, remove it first: gradswarm cluster remove ${id}.`,
    'id',
  );
}
