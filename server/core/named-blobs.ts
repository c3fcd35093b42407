import type { BlobHash } from '../../shared/base/ids.ts';
import type { Command } from './commands.ts';
import { type ReplicatedState, shardBlobs } from './replicated-state.ts';

/**
 * Blobs that `command` names and that the state does not keep already: they must be durable on a majority before it is
 * proposed. Shards of a registered data set are there since it was registered, and are never removed.
 */
export function blobsToSecure({ datasets }: ReplicatedState, command: Command): readonly BlobHash[] {
  switch (command.kind) {
    case 'jobSubmitted': {
      const registered = datasets.get(command.dataset.name);
      const kept = new Set(registered === undefined ? [] : shardBlobs(registered));
      return [
        command.initialParametersHash,
        ...[...shardBlobs(command.dataset)].filter((hash) => !kept.has(hash)),
      ];
    }
    case 'datasetRegistered':
      return datasets.has(command.dataset.name) ? [] : [...new Set(shardBlobs(command.dataset))];
    default:
      return releasableBlobs(command);
  }
}

/** Blobs that `command` names and that a later one may release. */
export function releasableBlobs(command: Command): readonly BlobHash[] {
  if (command.kind === 'roundCommitted') return [command.aggregateHash];
  if (command.kind === 'checkpointCommitted') return [...new Set([command.manifestHash, ...command.blobs])];
  return [];
}
