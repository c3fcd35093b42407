import { afterEach, describe, expect, it } from 'vitest';
import type { ProposalOutcome } from '../../../../server/runtime/ports.ts';
import { addressOf, RaftCluster, type RaftClusterOptions } from '../../../support/raft-cluster.ts';
import { textsOf } from '../../../support/texts-of-log.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

let cluster: RaftCluster;
afterEach(async () => {
  await cluster.dispose();
  expect(cluster.fatal).toEqual([]);
});

async function startCluster(options: RaftClusterOptions): Promise<string> {
  cluster = new RaftCluster({ segmentBytes: 65_536, trailingEntries: 8, ...options });
  await cluster.startAll();
  return cluster.leader();
}

const others = (leader: string): string[] => cluster.running.filter((id) => id !== leader);

let sequence = 0;
function propose(id: string, text: string, mine = ++sequence): Promise<ProposalOutcome> {
  return cluster.log(id).propose(bytes(text), { clientId: 'client', sequence: mine });
}

/** Proposes until some leader has committed it, as a client does. */
async function insist(text: string): Promise<number> {
  const mine = ++sequence;
  for (;;) {
    const outcome = await propose(await cluster.leader(), text, mine);
    if (outcome.kind === 'committed') return outcome.index;
    await cluster.turn();
  }
}

async function expectSameStates(expected: readonly string[]): Promise<void> {
  for (const id of cluster.running) expect(await textsOf(cluster.log(id))).toEqual(expected);
}

async function compactEverywhere(ids = cluster.running): Promise<void> {
  for (const id of ids) {
    const state = await textsOf(cluster.log(id));
    const { appliedIndex } = cluster.log(id).status();
    await cluster.log(id).compact(appliedIndex, bytes(state.join()));
  }
}

describe('a cluster of coordinators', () => {
  it('sends those who propose to a follower to the leader', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    await cluster.applied(1);
    for (const id of others(leader)) {
      expect(await propose(id, 'x')).toEqual({ kind: 'notLeader', hint: `http://${leader}/` });
      expect(cluster.log(id).leadership()).toEqual({
        isLeader: false,
        epoch: cluster.log(leader).leadership().epoch,
      });
    }
  });

  it('gives every member the same items, with the same indexes and epochs', async () => {
    await startCluster({ voters: ['a', 'b', 'c'] });
    const index = await insist('x');
    await cluster.applied(index);
    const itemsOf = async (id: string) => {
      const items: unknown[] = [];
      for await (const item of cluster.log(id).committed(0)) {
        items.push(item);
        if (item.index >= index) break;
      }
      return items;
    };
    const [first, ...rest] = await Promise.all(cluster.running.map(itemsOf));
    for (const items of rest) expect(items).toEqual(first);
  });

  it('reports a leader only when the stream has the first entry of its term', async () => {
    cluster = new RaftCluster({ voters: ['a', 'b', 'c'] });
    const logs = await Promise.all(['a', 'b', 'c'].map((id) => cluster.start(id)));
    const seen: boolean[] = [];
    for (const log of logs) {
      log.onLeadership(({ isLeader, epoch }) => {
        const { appliedIndex, term } = log.status();
        seen.push(isLeader && appliedIndex > 0 && epoch === term);
      });
    }
    await cluster.leader();
    expect(seen).toEqual([true]);
  });

  it('loses and doubles nothing when its leaders lose their power again and again', async () => {
    await startCluster({ voters: ['a', 'b', 'c'] });
    const acknowledged: string[] = [];
    const epochs: number[] = [];
    for (let life = 0; life < 6; life++) {
      for (let count = 0; count < 5; count++) {
        await insist(`${life}-${count}`);
        acknowledged.push(`${life}-${count}`);
      }
      const leader = await cluster.leader();
      epochs.push(cluster.log(leader).leadership().epoch);
      // One more is on its way when the power goes.
      const mine = ++sequence;
      const cut = propose(leader, `${life}-last`, mine);
      cluster.kill(leader);
      expect((await cut).kind).not.toBe('notLeader');
      for (let outcome = await cut; outcome.kind !== 'committed'; ) {
        outcome = await propose(await cluster.leader(), `${life}-last`, mine);
      }
      acknowledged.push(`${life}-last`);
      await cluster.start(leader);
    }
    expect(epochs).toEqual([...new Set(epochs)].sort((left, right) => left - right));
    await expectSameStates(acknowledged);
  });

  it('counts a proposal once whose outcome was unknown, on every member', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    await insist('before');
    // The entry reaches the others, and the answer does not come back.
    const mine = ++sequence;
    const proposal = { clientId: 'client', sequence: mine };
    const first = cluster.log(leader).propose(bytes('twice'), proposal);
    await Promise.resolve().then(() => {});
    cluster.isolateReceiving(leader);
    const next = await cluster.leaderOtherThan(leader);
    expect((await first).kind).toBe('unknown');
    const second = await cluster.log(next).propose(bytes('twice'), proposal);
    const third = await cluster.log(next).propose(bytes('twice'), proposal);
    expect(second.kind).toBe('committed');
    expect(third).toEqual(second);
    cluster.heal();
    await expectSameStates(['before', 'twice']);
  });

  it('never answers a barrier of a deposed leader, until it hears of the new one', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    await insist('before');
    cluster.isolate(leader);
    let answer: number | undefined;
    const barrier = cluster
      .log(leader)
      .barrier()
      .then((index) => {
        answer = index;
      });
    const unknown = propose(leader, 'lost');
    const index = await insist('after');
    expect((await unknown).kind).toBe('unknown');
    expect(answer).toBe(undefined);
    expect(cluster.log(leader).leadership().isLeader).toBe(false);
    cluster.heal();
    await barrier;
    expect(answer).toBeGreaterThanOrEqual(index);
  });

  it('takes a member that was away back by a snapshot', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    const [away = ''] = others(leader);
    const expected: string[] = [];
    const say = async (text: string) => {
      expected.push(text);
      await insist(text);
    };
    await say('first');
    await cluster.applied(2);
    const stream = cluster.log(away).committed(0)[Symbol.asyncIterator]();
    await stream.next();
    cluster.isolate(away);
    for (let count = 0; count < 40; count++) await say(`while away ${count}`);
    await compactEverywhere(cluster.running.filter((id) => id !== away));
    await say('behind the snapshot');
    expect(cluster.log(await cluster.leader()).status().firstIndex).toBeGreaterThan(30);
    cluster.heal();
    await expectSameStates(expected);
    expect(cluster.log(away).status().snapshotIndex).toBeGreaterThan(30);
    // Its consumers are taken to the snapshot, and it knows of proposals that it never saw.
    const kinds: string[] = [];
    const last = await cluster.log(away).barrier();
    for (let item = await stream.next(); !item.done; item = await stream.next()) {
      kinds.push(item.value.kind);
      if (item.value.index >= last) break;
    }
    expect(kinds).toContain('snapshot');
    const known = await cluster.log(away).propose(bytes('while away 3'), { clientId: 'client', sequence });
    expect(known.kind).toBe('committed');
    // And it has it all on its disk.
    await cluster.log(away).close();
    await cluster.start(away);
    await expectSameStates(expected);
  });

  it('goes on after all of its members lost their power', async () => {
    await startCluster({ voters: ['a', 'b', 'c'] });
    const expected: string[] = [];
    for (let life = 0; life < 3; life++) {
      for (let count = 0; count < 10; count++) {
        expected.push(`${life}-${count}`);
        await insist(`${life}-${count}`);
      }
      if (life === 1) await compactEverywhere();
      for (const id of cluster.running) cluster.kill(id);
      await cluster.startAll();
    }
    await expectSameStates(expected);
  });
});

describe('membership', () => {
  async function add(id: string): Promise<void> {
    await cluster.start(id, true);
    const leader = cluster.log(await cluster.leader());
    await leader.changeMembership([{ kind: 'addLearner', id, address: addressOf(id) }]);
    await cluster.applied(leader.status().commit);
    await leader.changeMembership([{ kind: 'promote', id }]);
  }

  it('grows from one to three to five, and stays so over starts', async () => {
    cluster = new RaftCluster({ voters: ['a'], segmentBytes: 65_536, trailingEntries: 8 });
    await cluster.startAll();
    const expected = Array.from({ length: 30 }, (_, count) => `alone ${count}`);
    for (const text of expected) await insist(text);
    await compactEverywhere();
    for (const id of ['b', 'c', 'd', 'e']) {
      await add(id);
      expected.push(`with ${id}`);
      await insist(`with ${id}`);
    }
    const leader = await cluster.leader();
    expect(cluster.log(leader).status().configuration).toEqual({
      voters: ['a', 'b', 'c', 'd', 'e'],
      outgoing: [],
      learners: [],
      learnersNext: [],
      addresses: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((id) => [id, addressOf(id)])),
    });
    await cluster.applied(await cluster.log(leader).barrier());
    for (const id of cluster.running)
      expect(cluster.membersKnownTo(id)).toEqual([...'abcde'].filter((each) => each !== id));
    for (const id of cluster.running) cluster.kill(id);
    for (const id of ['c', 'd', 'e']) await cluster.start(id, true);
    // Three of five are a quorum; of a cluster of one, or of three, they would not be.
    await insist('three of five');
    await expectSameStates([...expected, 'three of five']);
  });

  it('lets its leader be removed, and goes on under another', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    await insist('before');
    await cluster.log(leader).changeMembership([{ kind: 'remove', id: leader }]);
    const next = await cluster.leaderOtherThan(leader);
    expect(cluster.log(next).status().configuration.voters).toEqual(others(leader).sort());
    expect(cluster.log(leader).leadership().isLeader).toBe(false);
    expect((await propose(leader, 'x')).kind).toBe('notLeader');
    await cluster.log(leader).close();
    await insist('after');
    await expectSameStates(['before', 'after']);
    for (const id of cluster.running) expect(cluster.membersKnownTo(id)).not.toContain(leader);
  });

  it('refuses what makes no sense, and what a follower is asked for', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    const change = cluster.log(leader).changeMembership([{ kind: 'promote', id: 'nobody' }]);
    await expect(change).rejects.toMatchObject({ code: 'badRequest' });
    const [follower = ''] = others(leader);
    await cluster.applied(1);
    const asked = cluster.log(follower).changeMembership([{ kind: 'remove', id: 'a' }]);
    await expect(asked).rejects.toMatchObject({ code: 'notLeader', redirectUrl: `http://${leader}/` });
  });

  it('tells when the leader changed under a change', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    cluster.isolate(leader);
    const change = cluster.log(leader).changeMembership([{ kind: 'remove', id: leader }]);
    await expect(change).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('look at the status'),
    });
  });
});

describe('a handover', () => {
  it('resolves when the other one leads', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    await insist('before');
    const [to = ''] = others(leader);
    const { epoch } = cluster.log(leader).leadership();
    await cluster.log(leader).transferLeadership(to);
    expect(await cluster.leader()).toBe(to);
    expect(cluster.log(to).leadership().epoch).toBeGreaterThan(epoch);
    expect(cluster.log(leader).leadership().isLeader).toBe(false);
    await insist('after');
    await expectSameStates(['before', 'after']);
  });

  it('is given up when the other one is away, and proposals are taken again', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    const [away = ''] = others(leader);
    cluster.isolate(away);
    const handover = cluster.log(leader).transferLeadership(away);
    expect(await propose(leader, 'meanwhile')).toEqual({ kind: 'notLeader', hint: `http://${away}/` });
    await expect(handover).rejects.toMatchObject({
      code: 'unavailable',
      message: `${away} did not take over in time.`,
    });
    expect((await propose(leader, 'after')).kind).toBe('committed');
  });

  it('is refused to strangers, to learners and to the leader itself', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    for (const to of ['nobody', leader]) {
      const handover = cluster.log(leader).transferLeadership(to);
      await expect(handover).rejects.toMatchObject({ code: 'badRequest' });
    }
  });
});

describe('a member whose disk fails', () => {
  it('stops, while the others go on', async () => {
    const leader = await startCluster({ voters: ['a', 'b', 'c'] });
    await insist('before');
    const disk = cluster.disks.get(leader);
    if (disk) disk.datasyncFailure = new Error('EIO');
    const mine = ++sequence;
    expect((await propose(leader, 'on a failing disk', mine)).kind).toBe('unknown');
    expect(cluster.fatal.splice(0)).toEqual([`${leader}: EIO`]);
    const next = await cluster.leader();
    expect(next).not.toBe(leader);
    expect((await propose(next, 'on a failing disk', mine)).kind).toBe('committed');
    await expectSameStates(['before', 'on a failing disk']);
  });
});
