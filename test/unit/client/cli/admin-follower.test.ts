import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminFollower, createAdminFollower } from '../../../../client/cli/admin-follower.ts';
import { watchToEnd } from '../../../../client/cli/watch-to-end.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';
import type { RpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { adminService } from '../../../../shared/protocol/services.ts';
import type { Timers } from '../../../../shared/protocol/timers.ts';
import { adminToken, type CannedAdmin, createCannedAdmin } from '../../../support/canned-admin.ts';

const method = adminService.method;
const a = 'http://a.test/';
const b = 'http://b.test/';
const c = 'http://c.test/';

/** Coordinators by address, over the real RPC; those that are missing do not answer. */
let world: Map<string, CannedAdmin>;
let tried: string[];
let links: Link[];
let waited: number;
/** Called after every pause. */
let afterPause: () => void;

beforeEach(() => {
  world = new Map([a, b, c].map((url) => [url, createCannedAdmin()]));
  tried = [];
  links = [];
  waited = 0;
  afterPause = () => {};
});

/** A clock that passes only in pauses. */
const timers: Timers = {
  nowMs: () => waited,
  after(delayMs, task) {
    waited += delayMs;
    const timer = setTimeout(() => {
      afterPause();
      task();
    });
    return () => clearTimeout(timer);
  },
};

function lead(url: string): void {
  for (const [other, { cluster }] of world) {
    cluster.isLeader = other === url;
    cluster.leaderUrl = other === url ? '' : url;
    cluster.coordinators = [a, b, c];
  }
}

function follower(urls: readonly string[], token = adminToken): AdminFollower {
  return createAdminFollower({
    urls,
    token,
    timers,
    chance: () => 0.5,
    async openLink(url) {
      tried.push(url);
      const admin = world.get(url);
      if (!admin) throw new GradswarmError('unavailable', `nobody at ${url}`, '--url');
      const [client, server] = createLinkPair((task) => setTimeout(task, 0));
      links.push(server);
      admin.serve(server);
      return client;
    },
  });
}

/** Takes connections, and ends each before anybody has signed in. */
function leavingAdmin(): CannedAdmin {
  return { ...createCannedAdmin(), serve: (link) => link.close(4503, 'unavailable: going down') };
}

const list = async (client: RpcClient): Promise<number> =>
  (await client.unary(method.listJobs, {})).message.jobs.length;

describe('a command', () => {
  it('is answered by a coordinator that is alone, with one connection', async () => {
    expect(await follower([a]).run(list)).toBe(2);
    expect(tried).toEqual([a]);
  });

  it('finds the leader from any member, also one that it was not given', async () => {
    lead(c);
    expect(await follower([b]).run(list)).toBe(2);
    expect(tried).toEqual([b, c]);
  });

  it('passes over members that are gone', async () => {
    lead(c);
    world.delete(a);
    expect(await follower([a, b]).run(list)).toBe(2);
    expect(tried).toEqual([a, b, c]);
  });

  it('is run again elsewhere when the leadership was lost before it was taken', async () => {
    lead(a);
    let runs = 0;
    const work = async (client: RpcClient): Promise<string> => {
      if (++runs === 1) lead(b);
      return (await client.unary(method.submitJob, { documentJson: '{"name":"x","model":{}}' })).message
        .jobId;
    };
    expect(await follower([a]).run(work)).toBe('x');
    expect(runs).toBe(2);
    expect(world.get(a)?.submitted).toEqual([]);
    expect(world.get(b)?.submitted).toHaveLength(1);
  });

  it('goes elsewhere when the connection is lost before anything was asked for', async () => {
    lead(b);
    world.set(a, leavingAdmin());
    expect(await follower([a, b]).run(list)).toBe(2);
    expect(tried).toEqual([a, b]);
  });

  it('is not run again when nobody knows what became of it', async () => {
    lead(a);
    const work = async (client: RpcClient): Promise<void> => {
      const call = client.unary(method.listJobs, {});
      links[0]?.close(4503, 'unavailable: going down');
      await call;
    };
    await expect(follower([a, b]).run(work)).rejects.toMatchObject({ code: 'connectionLost' });
    expect(tried).toEqual([a]);
  });

  it('waits for the end of an election', async () => {
    lead('');
    afterPause = () => lead(b);
    expect(await follower([a, b]).run(list)).toBe(2);
    expect(waited).toBeGreaterThan(0);
  });

  it('gives up when no leader comes', async () => {
    lead('');
    await expect(follower([a, b]).run(list)).rejects.toMatchObject({
      code: 'notLeader',
      message: 'no coordinator leads at the moment; try again soon',
    });
    expect(waited).toBeGreaterThan(limits.leaderWaitMs);
  });

  it('does not wait where nobody answers', async () => {
    world.clear();
    await expect(follower([a, b]).run(list)).rejects.toMatchObject({ code: 'unavailable', field: '--url' });
    expect(tried).toEqual([a, b]);
    expect(waited).toBe(0);
  });

  it('does not wait with a token that nobody knows', async () => {
    lead(b);
    world.delete(c);
    await expect(follower([a, c], 'wrong').run(list)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(waited).toBe(0);
  });

  it('that any member may answer is answered while there is no leader', async () => {
    lead('');
    const status = async (client: RpcClient) => (await client.unary(method.clusterStatus, {})).message.nodeId;
    expect(await follower([a, b]).run(status, 'any')).toBe('a');
    expect(waited).toBe(0);
  });

  it('follows no leader to where its token must not go', async () => {
    lead(a);
    const { cluster } = world.get(b) as CannedAdmin;
    Object.assign(cluster, { leaderUrl: 'http://localhost:22/', coordinators: [] });
    await expect(follower([b]).run(list)).rejects.toMatchObject({
      code: 'forbidden',
      field: '--url',
      message: expect.stringContaining('it is this machine, not that coordinator'),
    });
    expect(tried).toEqual([b]);
  });
});

describe('job wait', () => {
  it('goes on under the next leader, given one address only', async () => {
    lead(a);
    const states: string[] = [];
    const waiting = watchToEnd(follower([a]), 'mnist', ({ state }) => states.push(state), timers);
    await expect.poll(() => states).toEqual(['running']);
    world.delete(a);
    lead(b);
    const job = world.get(b)?.jobs[0];
    links[0]?.close(4421, 'notLeader: leads no longer');
    await expect.poll(() => states).toEqual(['running', 'running']);
    if (job) job.state = 'finished';
    expect((await waiting).state).toBe('finished');
    expect(new Set(tried)).toEqual(new Set([a, b]));
  });

  it('counts its patience from the loss of the connection', async () => {
    lead(a);
    const states: string[] = [];
    const waiting = watchToEnd(follower([a]), 'mnist', ({ state }) => states.push(state), timers);
    await expect.poll(() => states).toEqual(['running']);
    waited += 2 * limits.leaderWatchMs;
    const job = world.get(a)?.jobs[0];
    if (job) job.state = 'finished';
    links[0]?.close(1001, 'gone');
    expect((await waiting).state).toBe('finished');
  });

  it('gives up after a while without any coordinator', async () => {
    lead(a);
    let told = 0;
    const waiting = watchToEnd(follower([a]), 'mnist', () => void told++, timers);
    await expect.poll(() => told).toBe(1);
    world.clear();
    links[0]?.close(1001, 'gone');
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    expect(waited).toBeGreaterThan(limits.leaderWatchMs);
  });

  it('fails at once where it never began', async () => {
    world.clear();
    await expect(watchToEnd(follower([a]), 'mnist', () => {}, timers)).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(waited).toBe(0);
    world.set(a, createCannedAdmin());
    await expect(watchToEnd(follower([a]), 'none', () => {}, timers)).rejects.toMatchObject({
      code: 'unknownJob',
    });
  });
});
