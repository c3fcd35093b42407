import { expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import { goldenUnits, unitHash } from '../../../../support/golden-unit.ts';

it.each(goldenUnits)('a unit of a %s has the same bits in Node as in a browser', async (_, job, hash) => {
  expect(await unitHash(createNodeEngineHome(), job)).toBe(hash);
});
