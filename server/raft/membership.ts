import type { ClusterConfiguration } from './cluster-configuration.ts';

/** What follows a joint configuration: the incoming voters alone count. */
export function leaveJoint(configuration: ClusterConfiguration): ClusterConfiguration {
  const { voters, learners, learnersNext } = configuration;
  const remaining = [...new Set([...learners, ...learnersNext])].sort();
  return { ...withAddresses(voters, [], remaining, configuration.addresses), learnersNext: [] };
}

function withAddresses(
  voters: readonly string[],
  outgoing: readonly string[],
  learners: readonly string[],
  known: Readonly<Record<string, string>>,
): Omit<ClusterConfiguration, 'learnersNext'> {
  const named = new Set([...voters, ...outgoing, ...learners]);
  const addresses = Object.fromEntries(Object.entries(known).filter(([id]) => named.has(id)));
  return { voters, outgoing, learners, addresses };
}
