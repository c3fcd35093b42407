import { expect, it } from 'vitest';
import { applyCommand } from '../../../../server/core/apply-command.ts';
import type { Command } from '../../../../server/core/commands.ts';
import { blobsToSecure, releasableBlobs } from '../../../../server/core/named-blobs.ts';
import { createReplicatedState } from '../../../../server/core/replicated-state.ts';
import { checkpointCommitted, dataset, hashOf, jobId, roundCommitted, submission } from './fixtures.ts';

const registered: Command = { kind: 'datasetRegistered', dataset, atMs: 0 };
const checkpoint = checkpointCommitted(1, { blobs: [hashOf('p1'), hashOf('p1'), hashOf('s1')] });
const change: Command = { kind: 'jobStateChanged', jobId, state: 'paused', reason: '', atMs: 0 };

it.each<[string, Command, readonly string[], boolean]>([
  ['a round its aggregate', roundCommitted(0), ['a0'], true],
  ['a checkpoint its manifest and each of its blobs once', checkpoint, ['c1', 'p1', 's1'], true],
  ['a data set its shards', registered, ['train', 'test'], false],
  ['a job its parameters, and shards that nobody registered', submission(), ['v0', 'train', 'test'], false],
  ['a change of state nothing', change, [], false],
])('names of %s', (_, command, labels, isReleasable) => {
  expect(blobsToSecure(createReplicatedState(), command)).toEqual(labels.map(hashOf));
  expect(releasableBlobs(command)).toEqual(isReleasable ? labels.map(hashOf) : []);
});

it('leaves out shards that are registered: they are on a majority already', () => {
  const state = createReplicatedState();
  applyCommand(state, 1, registered);
  expect(blobsToSecure(state, submission())).toEqual([hashOf('v0')]);
  expect(blobsToSecure(state, registered)).toEqual([]);
});
