import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openPeerPins } from '../../../../server/storage/peer-pins.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-pins-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const [first, second] = ['00112233445566aa', '00112233445566bb'] as const;

it('keeps every pin through a restart, as soon as it is made', () => {
  const pins = openPeerPins(folder);
  expect(pins.pinned('b')).toBeUndefined();
  pins.pin('b', first);
  pins.pin('c', second);
  const reopened = openPeerPins(folder);
  expect([reopened.pinned('b'), reopened.pinned('c'), reopened.pinned('d')]).toEqual([
    first,
    second,
    undefined,
  ]);
});

it('forgets durably whom it is told to forget, and nobody else', () => {
  const pins = openPeerPins(folder);
  pins.pin('b', first);
  pins.pin('c', second);
  pins.retain(new Set(['c', 'd']));
  expect([pins.pinned('b'), pins.pinned('c')]).toEqual([undefined, second]);
  expect(openPeerPins(folder).pinned('b')).toBeUndefined();
  pins.pin('b', second);
  expect(openPeerPins(folder).pinned('b')).toBe(second);
});

it('leaves nothing else in the folder', () => {
  const pins = openPeerPins(folder);
  pins.retain(new Set());
  expect(readdirSync(folder)).toEqual([]);
  pins.pin('b', first);
  expect(readdirSync(folder)).toEqual(['peers.json']);
});

it('is not changed by a pin that could not be written', () => {
  const pins = openPeerPins(folder);
  pins.pin('b', first);
  const gone = openPeerPins(join(folder, 'missing'));
  expect(() => gone.pin('b', first)).toThrow('ENOENT');
  expect(gone.pinned('b')).toBeUndefined();
});

it.each([
  '',
  'x',
  '{}',
  '{"incarnations":7}',
  '{"incarnations":[1]}',
  '{"incarnations":{"b":"short"}}',
  '{"incarnations":null}',
])('refuses the file %j instead of meeting everyone anew', (text) => {
  writeFileSync(join(folder, 'peers.json'), text);
  const open = () => openPeerPins(folder);
  expect(open).toThrow(expect.objectContaining({ code: 'corrupted' }));
  expect(open).toThrow(/peers\.json.*restore it/);
});
