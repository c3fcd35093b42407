import { limits } from '../../shared/base/limits.ts';
import {
  type ClusterConfiguration,
  isVoter,
  type MembershipChange,
  membersOf,
  type NodeId,
} from './cluster-configuration.ts';

export type ChangeOutcome =
  | { readonly kind: 'changed'; readonly configuration: ClusterConfiguration }
  | { readonly kind: 'bad'; readonly message: string };

interface Draft {
  readonly voters: Set<NodeId>;
  readonly learners: Set<NodeId>;
  readonly addresses: Map<NodeId, string>;
}

/**
 * The configuration that the changes, taken one after the other, lead to: a joint one when the voters change. `current`
 * is not joint.
 */
export function changeConfiguration(
  current: ClusterConfiguration,
  changes: readonly MembershipChange[],
  hasCaughtUp: (learner: NodeId) => boolean,
): ChangeOutcome {
  const draft: Draft = {
    voters: new Set(current.voters),
    learners: new Set(current.learners),
    addresses: new Map(Object.entries(current.addresses)),
  };
  for (const change of changes) {
    const objection = apply(draft, change, hasCaughtUp);
    if (objection !== undefined) return { kind: 'bad', message: objection };
  }
  if (changes.length === 0) return { kind: 'bad', message: 'No change was named.' };
  if (draft.voters.size === 0) return { kind: 'bad', message: 'A cluster needs a voter.' };
  const configuration = fromDraft(draft, current.voters);
  if (membersOf(configuration).length > limits.raftMembersMax) {
    return { kind: 'bad', message: `A cluster has at most ${limits.raftMembersMax} members.` };
  }
  return { kind: 'changed', configuration };
}

/** Changes the draft, or says why not. */
function apply(
  { voters, learners, addresses }: Draft,
  change: MembershipChange,
  hasCaughtUp: (learner: NodeId) => boolean,
): string | undefined {
  const { id } = change;
  const isMember = voters.has(id) || learners.has(id);
  switch (change.kind) {
    case 'addLearner':
      if (isMember) return `${id} is a member already.`;
      if (addresses.has(id)) return `${id} is being removed by the same change; add it under another name.`;
      learners.add(id);
      addresses.set(id, change.address);
      return undefined;
    case 'promote':
      if (!learners.has(id)) return `${id} is not a learner; only a learner can become a voter.`;
      if (!hasCaughtUp(id)) return `${id} has not caught up with the log yet; try again when it has.`;
      learners.delete(id);
      voters.add(id);
      return undefined;
    case 'demote':
      if (!voters.has(id)) return `${id} is not a voter; only a voter can become a learner.`;
      voters.delete(id);
      learners.add(id);
      return undefined;
    case 'move':
      if (!isMember) return `${id} is not a member.`;
      addresses.set(id, change.address);
      return undefined;
    case 'remove':
      if (!isMember) return `${id} is not a member.`;
      voters.delete(id);
      learners.delete(id);
      return undefined;
  }
}

function fromDraft({ voters, learners, addresses }: Draft, before: readonly NodeId[]): ClusterConfiguration {
  const isUnchanged = voters.size === before.length && before.every((id) => voters.has(id));
  const outgoing = isUnchanged ? [] : before;
  const isLeaving = (id: NodeId): boolean => outgoing.includes(id);
  return withAddresses(
    {
      voters: [...voters].sort(),
      outgoing,
      learners: [...learners].filter((id) => !isLeaving(id)).sort(),
      learnersNext: [...learners].filter(isLeaving).sort(),
    },
    addresses,
  );
}

/** What follows a joint configuration: the incoming voters alone count. */
export function leaveJoint(configuration: ClusterConfiguration): ClusterConfiguration {
  const { voters, learners, learnersNext, addresses } = configuration;
  return withAddresses(
    { voters, outgoing: [], learners: [...learners, ...learnersNext].sort(), learnersNext: [] },
    new Map(Object.entries(addresses)),
  );
}

/** Of the members, and of nobody else. */
function withAddresses(
  lists: Omit<ClusterConfiguration, 'addresses'>,
  known: ReadonlyMap<NodeId, string>,
): ClusterConfiguration {
  const isNamed = (id: NodeId): boolean =>
    isVoter({ ...lists, addresses: {} }, id) || lists.learners.includes(id);
  const addresses = Object.fromEntries([...known].filter(([id]) => isNamed(id)).sort());
  return { ...lists, addresses };
}
