import { afterEach, describe, expect, it, vi } from 'vitest';
import { createConnection } from '../../../../client/admin/connection.ts';
import { createCoordinator } from '../../../../client/admin/coordinator.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';
import { adminToken, type CannedAdmin, createCannedAdmin } from '../../../support/canned-admin.ts';

const home = 'http://home.test/';

/** A connection to AdminServices in memory, over the real RPC; one at every address, until others are named. */
function connect(admins: Readonly<Record<string, CannedAdmin>> = { [home]: createCannedAdmin() }) {
  const world = new Map(Object.entries(admins));
  const links: Link[] = [];
  const tried: string[] = [];
  const remembered: string[] = [];
  const network = { isUp: true };
  const connection = createConnection({
    homeUrl: home,
    openLink: async (url) => {
      tried.push(url);
      const admin = world.get(url);
      if (!network.isUp || admin === undefined) throw new GradswarmError('connectionLost', 'no route');
      const [client, server] = createLinkPair();
      links.push(client);
      admin.serve(server);
      return client;
    },
    remember: (token) => void remembered.push(token),
  });
  const coordinator = createCoordinator(connection, fetch);
  return { world, connection, links, tried, network, remembered, coordinator };
}

afterEach(() => {
  vi.useRealTimers();
});

it('signs in, calls and signs out', async () => {
  const { connection, coordinator, remembered, links } = connect();
  expect(() => connection.client()).toThrow('no connection');
  connection.signIn(` ${adminToken}\n`);
  await vi.waitFor(() => expect(connection.state.value).toBe('connected'));
  expect((await coordinator.listJobs()).map(({ jobId }) => jobId)).toEqual(['mnist', 'moby']);
  connection.signOut();
  expect(connection.state.value).toBe('signedOut');
  expect(remembered).toEqual([adminToken, '']);
  await expect(coordinator.listJobs()).rejects.toMatchObject({ code: 'connectionLost' });
  expect(links).toHaveLength(1);
});

it('does not try a refused token again', async () => {
  const { connection, links, remembered } = connect();
  connection.signIn('wrong');
  await vi.waitFor(() => expect(connection.refusal.value).toBe('the token is unknown'));
  expect(connection.state.value).toBe('signedOut');
  expect(connection.token.value).toBe('');
  expect(remembered).toEqual(['']);
  expect(links).toHaveLength(1);
});

it('comes back after a loss, as often as it takes', async () => {
  vi.useFakeTimers();
  const { connection, coordinator, links, network } = connect();
  connection.signIn(adminToken);
  await vi.waitFor(() => expect(connection.generation.value).toBe(1));
  network.isUp = false;
  links[0]?.close(4503, 'restart');
  await vi.waitFor(() => expect(connection.state.value).toBe('reconnecting'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connection.state.value).toBe('reconnecting');
  network.isUp = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(connection.state.value).toBe('connected');
  expect(connection.generation.value).toBe(2);
  expect(await coordinator.listTokens()).toHaveLength(2);
});

it('leaves nothing behind when it is ended while it connects', async () => {
  const { connection, network } = connect();
  network.isUp = false;
  connection.signIn(adminToken);
  connection.signOut();
  await new Promise((resolve) => setTimeout(resolve));
  expect(connection.state.value).toBe('signedOut');
});

describe('in a cluster', () => {
  const a = 'http://a.test/';
  const b = 'http://b.test/';
  const coordinators = [home, a, b];

  function cluster() {
    const admins = { [home]: createCannedAdmin(), [a]: createCannedAdmin(), [b]: createCannedAdmin() };
    const opened = connect(admins);
    const lead = (url: string): void => {
      for (const [other, admin] of opened.world) {
        Object.assign(admin.cluster, { isLeader: other === url, leaderUrl: url, coordinators });
      }
    };
    return { ...opened, lead };
  }

  it('goes on to the leader that the coordinator of the page names', async () => {
    const { connection, coordinator, lead, tried, remembered } = cluster();
    lead(b);
    connection.signIn(adminToken);
    await vi.waitFor(() => expect(connection.state.value).toBe('connected'));
    expect(tried).toEqual([home, b]);
    expect(connection.url.value).toBe(b);
    expect(connection.coordinatorUrls.value).toEqual(coordinators);
    expect(remembered).toEqual([adminToken]);
    expect((await coordinator.clusterStatus()).members).toHaveLength(3);
  });

  it('follows the leadership, even when the coordinator of the page is gone', async () => {
    const { connection, lead, links, tried, world } = cluster();
    lead(a);
    connection.signIn(adminToken);
    await vi.waitFor(() => expect(connection.url.value).toBe(a));
    tried.length = 0;
    world.delete(a);
    world.delete(home);
    lead(b);
    links.at(-1)?.close(4421, 'notLeader: leads no longer');
    await vi.waitFor(() => expect(connection.url.value).toBe(b));
    expect(connection.state.value).toBe('connected');
    expect(tried).toEqual([b]);
  });

  it('says that nobody leads, and finds the one who does', async () => {
    vi.useFakeTimers();
    const { connection, lead, world } = cluster();
    lead('');
    connection.signIn(adminToken);
    await vi.waitFor(() => expect(connection.state.value).toBe('reconnecting'));
    expect(connection.trouble.value).toBe('No coordinator leads at the moment.');
    lead(a);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(connection).toMatchObject({ state: { value: 'connected' }, trouble: { value: '' } });
    expect(world.get(a)?.cluster.isLeader).toBe(true);
  });

  it('sends no token to where it must not go, and says so', async () => {
    const { connection, tried, world } = connect();
    const { cluster: view } = world.get(home) as CannedAdmin;
    Object.assign(view, { isLeader: false, leaderUrl: 'http://localhost:22/', coordinators: [] });
    connection.signIn(adminToken);
    await vi.waitFor(() => expect(connection.trouble.value).toContain('it is this machine'));
    expect(new Set(tried)).toEqual(new Set([home]));
    connection.signOut();
    expect(connection.trouble.value).toBe('');
  });
});
