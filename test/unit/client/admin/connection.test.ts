import { expect, it, vi } from 'vitest';
import { createConnection } from '../../../../client/admin/connection.ts';
import { createCoordinator } from '../../../../client/admin/coordinator.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';
import { adminToken, createCannedAdmin } from '../../../support/canned-admin.ts';

/** A connection to an AdminService in memory, over the real RPC. */
function connect() {
  const admin = createCannedAdmin();
  const links: Link[] = [];
  const remembered: string[] = [];
  const network = { isUp: true };
  const connection = createConnection({
    openLink: async () => {
      if (!network.isUp) throw new Error('no route');
      const [client, server] = createLinkPair();
      links.push(client);
      admin.serve(server);
      return client;
    },
    remember: (token) => void remembered.push(token),
  });
  return { admin, connection, links, network, remembered, coordinator: createCoordinator(connection, fetch) };
}

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
  vi.useRealTimers();
});

it('leaves nothing behind when it is ended while it connects', async () => {
  const { connection, network } = connect();
  network.isUp = false;
  connection.signIn(adminToken);
  connection.signOut();
  await new Promise((resolve) => setTimeout(resolve));
  expect(connection.state.value).toBe('signedOut');
});
