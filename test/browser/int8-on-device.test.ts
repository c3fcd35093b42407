import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowserEngineHome } from '../../client/browser/engine-home.ts';
import type { Engine } from '../../client/worker/engine/engine.ts';
import { openEngine } from '../../client/worker/engine/open-engine.ts';
import { encodeInt8OnDevice } from '../../client/worker/engine/webgpu/int8-program.ts';
import { createRandom } from '../../shared/base/random.ts';
import { createFlatCodec } from '../../shared/codec/codecs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('webgpu', createBrowserEngineHome());
  engine.enter();
});
afterAll(() => engine.close());

/** Random bits as float32: every exponent, denormals and zeros of both signs too, but no NaN and no infinity. */
function drawBits(count: number, seed: number, exponentMax: number): Float32Array {
  const random = createRandom(seed);
  const bits = Uint32Array.from({ length: count }, () => {
    const exponent = random.below(exponentMax + 1);
    return ((random.below(2) << 31) | (exponent << 23) | random.below(1 << 23)) >>> 0;
  });
  return new Float32Array(bits.buffer);
}

function drawNormal(count: number, seed: number, scale: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => (random.unit() + random.unit() - 1) * scale);
}

async function expectSameBits(values: Float32Array, seed: number): Promise<void> {
  const tensor = tf.concat1d([tf.tensor1d(values), tf.tensor1d([1.5, -0.25])]);
  const { payload, rest } = await encodeInt8OnDevice(tensor, values.length, seed);
  tensor.dispose();
  expect(payload).toEqual(createFlatCodec({ kind: 'int8' }, values.length).encode(values, seed));
  expect([...rest]).toEqual([1.5, -0.25]);
}

describe('int8 on the device', () => {
  it.each([1, 255, 256, 257, 5_000])('gives the bits of the codec for %i values', async (count) => {
    await expectSameBits(drawNormal(count, count, 0.01), 7);
  });

  it.each([246, 130, 110, 60, 1, 0])('does so for values of every exponent up to %i', async (exponentMax) => {
    await expectSameBits(drawBits(4_096, exponentMax, exponentMax), exponentMax);
  });

  it('does so where values lie on codes, or next to them', async () => {
    const values = drawNormal(2_048, 3, 1);
    const words = new Int32Array(values.buffer);
    for (let index = 0; index < values.length; index++) {
      values[index] = Math.round((values[index] ?? 0) * 64) / 64;
      words[index] = (words[index] ?? 0) + (index % 3) - 1;
    }
    await expectSameBits(
      values.map((value) => (Number.isFinite(value) ? value : 0)),
      11,
    );
  });

  it('refuses what is not finite', async () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -3e38]) {
      const tensor = tf.tensor1d([0.5, wrong, 0.25]);
      await expect(encodeInt8OnDevice(tensor, 3, 1)).rejects.toMatchObject({ code: 'notFinite' });
      tensor.dispose();
    }
  });
});
