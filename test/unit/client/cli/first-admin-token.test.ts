import { expect, test } from 'vitest';
import {
  awaitFirstToken,
  makeFirstToken,
  type TokenMaker,
} from '../../../../client/cli/first-admin-token.ts';
import type { TokenRecord } from '../../../../server/core/replicated-state.ts';
import { aloneInCluster, type ClusterView } from '../../../../shared/base/cluster-view.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

const following: ClusterView = { isLeader: false, leaderUrl: 'http://a.test/', coordinatorUrls: [] };
const leaderless: ClusterView = { isLeader: false, leaderUrl: undefined, coordinatorUrls: [] };

/** A coordinator of which only tokens and leadership matter. */
function coordinator(view: ClusterView, admins: number, failures: GradswarmError[] = []) {
  const state = { view, made: 0, admins };
  const maker = {
    cluster: () => state.view,
    tokens: () => Array.from({ length: state.admins }, () => ({ role: 'admin' }) as TokenRecord),
    actions: {
      async createToken() {
        const failure = failures.shift();
        if (failure) throw failure;
        state.made += 1;
        state.admins += 1;
        return { token: `token ${state.made}`, tokenId: 't' };
      },
    },
  };
  return { state, maker: maker as unknown as TokenMaker };
}

test.each<[string, ClusterView, number, boolean, string]>([
  ['a new coordinator', aloneInCluster, 0, false, 'made'],
  ['one that has tokens', aloneInCluster, 1, false, 'exists'],
  ['one that is asked for another', aloneInCluster, 1, true, 'made'],
  ['a follower of a new cluster', following, 0, false, 'undecided'],
  ['a follower to which tokens have come', following, 1, false, 'exists'],
  ['a follower that is asked for another', following, 1, true, 'exists'],
  ['one that may lead yet, asked for another', leaderless, 1, true, 'undecided'],
  ['one of an old cluster without a leader', leaderless, 1, false, 'exists'],
])('%s', async (_, view, admins, isWanted, expected) => {
  const { state, maker } = coordinator(view, admins);
  expect((await makeFirstToken(maker, isWanted)).kind).toBe(expected);
  expect(state.made).toBe(expected === 'made' ? 1 : 0);
});

test('a token is made by whoever comes to lead', async () => {
  const { state, maker } = coordinator(leaderless, 0);
  const first = awaitFirstToken(maker, false, new AbortController().signal);
  state.view = aloneInCluster;
  expect(await first).toEqual({ kind: 'made', token: 'token 1' });
});

test('a leader that is deposed while it makes the token leaves it to the next', async () => {
  const { state, maker } = coordinator(aloneInCluster, 0, [new GradswarmError('unavailable', 'deposed')]);
  expect(await makeFirstToken(maker, false)).toEqual({ kind: 'undecided' });
  const defect = coordinator(aloneInCluster, 0, [new GradswarmError('corrupted', 'disk')]);
  await expect(makeFirstToken(defect.maker, false)).rejects.toThrow('disk');
  expect(state.made).toBe(0);
});

test('the wait ends with the coordinator', async () => {
  const stopping = new AbortController();
  const waiting = awaitFirstToken(coordinator(leaderless, 0).maker, false, stopping.signal);
  stopping.abort();
  await expect(waiting).rejects.toThrow();
});
