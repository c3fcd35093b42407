import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type ClusterConfigurationMessage,
  clusterConfigurationSchema,
} from '../../../shared/protocol/peer-services.ts';
import type { ClusterConfiguration } from '../../raft/cluster-configuration.ts';
import { malformed } from './wire-numbers.ts';

export function configurationMessage(
  configuration: ClusterConfiguration,
): MessageInitShape<typeof clusterConfigurationSchema> {
  const { voters, outgoing, learners, learnersNext, addresses } = configuration;
  return {
    voters: [...voters],
    outgoing: [...outgoing],
    learners: [...learners],
    learnersNext: [...learnersNext],
    addresses: { ...addresses },
  };
}

export function configurationOf(message: ClusterConfigurationMessage): ClusterConfiguration {
  const { voters, outgoing, learners, learnersNext, addresses } = message;
  return { voters, outgoing, learners, learnersNext, addresses };
}

export function encodeConfiguration(configuration: ClusterConfiguration): Uint8Array {
  return toBinary(
    clusterConfigurationSchema,
    create(clusterConfigurationSchema, configurationMessage(configuration)),
  );
}

/** @throws GradswarmError `malformedFrame`. */
export function decodeConfiguration(bytes: Uint8Array): ClusterConfiguration {
  try {
    return configurationOf(fromBinary(clusterConfigurationSchema, bytes, { readUnknownFields: false }));
  } catch {
    throw malformed('a configuration entry holds no ClusterConfiguration');
  }
}
