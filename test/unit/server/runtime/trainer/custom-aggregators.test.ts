import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadAggregators } from '../../../../../server/runtime/trainer/custom-aggregators.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-aggregators-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(source: string) {
  const path = join(folder, 'own.mjs');
  writeFileSync(path, source);
  return loadAggregators({ own: path });
}

const sum = 'export function aggregate(vectors, weights, target) { target[0] = vectors[0][0] + weights[0]; }';

test('a module is loaded under its name, with what it needs', async () => {
  const own = (await load(`${sum}\nexport const membersMin = 4;`)).get('own');
  const target = new Float32Array(1);
  own?.aggregate([Float32Array.of(2)], [3], target);
  expect(target[0]).toBe(5);
  expect(own?.membersMin).toBe(4);
  expect((await loadAggregators({})).size).toBe(0);
});

test.each([
  ['export const aggregate = 1;', /own: .*own\.mjs exports no function `aggregate/],
  ['export default () => 0;', /own\.mjs exports no function `aggregate/],
  [`${sum}\nexport const membersMin = 0;`, /own\.mjs exports a `membersMin`/],
  ['export function aggregate( {', /own\.mjs cannot be loaded: /],
  ['throw new Error("no licence");', /own\.mjs cannot be loaded: no licence/],
])('%j is refused with the name of its file', async (source, message) => {
  await expect(load(source)).rejects.toMatchObject({
    code: 'badRequest',
    field: 'aggregators',
    message: expect.stringMatching(message),
  });
});

test('a file that is missing, or an address of the network, is none', async () => {
  await expect(loadAggregators({ own: join(folder, 'gone.mjs') })).rejects.toMatchObject({
    message: expect.stringMatching(/gone\.mjs cannot be loaded/),
  });
  await expect(loadAggregators({ own: 'https://example.org/own.mjs' })).rejects.toMatchObject({
    code: 'badRequest',
  });
});

test('what it throws names the file, and is an expected failure', async () => {
  const own = (await load('export function aggregate() { throw new Error("too odd"); }')).get('own');
  expect(() => own?.aggregate([], [], new Float32Array(1))).toThrow(
    expect.objectContaining({
      code: 'internal',
      message: expect.stringMatching(/own \(.*own\.mjs\) failed: too odd/),
    }),
  );
});
