import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLayout, peerList } from '../../../../client/cli/cluster-layout.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'gradswarm-layout-')), 'cluster');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const open = (size?: number, port?: number) => openLayout({ folder, size, port });

it('plans three coordinators on consecutive ports', async () => {
  const layout = await open();
  expect(layout).toMatchObject({
    isNew: true,
    members: [
      { id: 'a', port: 7077, peerPort: 7177 },
      { id: 'b', port: 7078, peerPort: 7178 },
      { id: 'c', port: 7079, peerPort: 7179 },
    ],
  });
  expect(peerList(layout)).toBe('a=127.0.0.1:7177,b=127.0.0.1:7178,c=127.0.0.1:7179');
});

it('makes a secret that nobody else may read, another one for each cluster', async () => {
  const { secretFile } = await open();
  expect(statSync(secretFile).mode & 0o777).toBe(0o600);
  const secret = readFileSync(secretFile, 'utf8').trim();
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  const other = await openLayout({ folder: join(folder, 'other'), size: undefined, port: undefined });
  expect(readFileSync(other.secretFile, 'utf8').trim()).not.toBe(secret);
});

it('keeps what it planned', async () => {
  const first = await open(5, 0);
  expect(new Set(first.members.flatMap(({ port, peerPort }) => [port, peerPort])).size).toBe(10);
  const secret = readFileSync(first.secretFile, 'utf8');
  for (const again of [await open(), await open(5, 0), await open(5, first.members[0]?.port)]) {
    expect(again).toEqual({ ...first, isNew: false });
  }
  expect(readFileSync(first.secretFile, 'utf8')).toBe(secret);
});

it('refuses another size or other ports for a cluster that exists', async () => {
  await open(3, 8000);
  await expect(open(5)).rejects.toMatchObject({
    code: 'conflict',
    field: '--size',
    message: expect.stringMatching(
      /holds a cluster of 3, not of 5; add a coordinator with `gradswarm cluster add`/,
    ),
  });
  await expect(open(3, 9000)).rejects.toMatchObject({ code: 'conflict', field: '--port' });
});

it('refuses a folder that it did not make, and one that cannot be', async () => {
  await open();
  for (const text of ['', '{}', '{"members": [{"id": 1}]}', 'null']) {
    writeFileSync(join(folder, 'cluster.json'), text);
    await expect(open()).rejects.toMatchObject({ code: 'conflict', field: '--data' });
  }
  await expect(openLayout({ folder: '/dev/null/x', size: 3, port: 0 })).rejects.toMatchObject({
    code: 'badRequest',
    field: '--data',
  });
});
