import { describe, expect, it } from 'vitest';
import { createJobEncoder } from '../../../../../client/worker/session/job-encoder.ts';
import type { CodecSpec } from '../../../../../shared/codec/codec-spec.ts';
import { createCodecs } from '../../../../../shared/codec/codecs.ts';
import { createManifest } from '../../../../../shared/tensor/manifest.ts';

const manifest = createManifest([{ name: 'kernel', shape: [32, 32] }]);
const codecOf = createCodecs(manifest);
const powersgd: CodecSpec = { kind: 'powersgd', rank: 1 };
const updates = [1, 2, 3].map((seed) =>
  Float32Array.from({ length: manifest.length }, (_, index) => Math.sin(index * index + seed)),
);

const pace = (computeMs: number, bytesPerSecond?: number) => ({ computeMs, bytesPerSecond });

function decoded({ codec, payload }: { readonly codec: string; readonly payload: Uint8Array }): Float32Array {
  const values = new Float32Array(manifest.length);
  codecOf(codec).decode(payload, 0, values);
  return values;
}

describe('the updates of a job', () => {
  it('are sent with the preferred codec until the uplink is known', () => {
    const encoder = createJobEncoder([{ kind: 'float32' }, powersgd], manifest);
    expect(encoder.encode(updates[0]!, 0, '', pace(100)).codec).toBe('float32');
    expect(encoder.encode(updates[1]!, 0, '', pace(100, 10_000)).codec).toBe('powersgd/1');
    expect(encoder.encode(updates[2]!, 0, '', pace(100, 10_000_000)).codec).toBe('float32');
  });

  it('lose nothing when the codec changes', () => {
    const encoder = createJobEncoder([powersgd, { kind: 'float32' }], manifest);
    const first = encoder.encode(updates[0]!, 0, '', pace(1_000, 10_000));
    first.settle(true);
    const slow = createJobEncoder([{ kind: 'float32' }, powersgd], manifest);
    const coarse = slow.encode(updates[0]!, 0, '', pace(100, 10_000));
    coarse.settle(true);
    const fine = slow.encode(updates[1]!, 0, '', pace(100, 10_000_000));
    expect([first.codec, coarse.codec, fine.codec]).toEqual(['powersgd/1', 'powersgd/1', 'float32']);
    const [left, right] = [decoded(coarse), decoded(fine)];
    for (let index = 0; index < manifest.length; index++) {
      expect(left[index]! + right[index]!).toBeCloseTo(updates[0]![index]! + updates[1]![index]!, 5);
    }
  });

  it('leave nothing of what was refused, and take no codec before the finest that is allowed', () => {
    const encoder = createJobEncoder([powersgd, { kind: 'float32' }], manifest);
    const counted = encoder.encode(updates[0]!, 0, '', pace(1));
    const refused = encoder.encode(updates[1]!, 1, '', pace(1));
    refused.settle(false);
    counted.settle(true);
    const rest = encoder.encode(updates[2]!, 2, 'float32', pace(1));
    expect(rest.codec).toBe('float32');
    const [left, right] = [decoded(counted), decoded(rest)];
    for (let index = 0; index < manifest.length; index++) {
      expect(left[index]! + right[index]!).toBeCloseTo(updates[0]![index]! + updates[2]![index]!, 5);
    }
    expect(() => encoder.encode(updates[0]!, 3, 'int8', pace(1))).toThrow(
      expect.objectContaining({ code: 'wrongCodec' }),
    );
    expect(encoder.encode(updates[0]!, 3, '', pace(1)).codec).toBe('float32');
  });

  it('are sent with what suits the uplink, from the finest codec on that the lease allows', () => {
    const int8: CodecSpec = { kind: 'int8' };
    const encoder = createJobEncoder([{ kind: 'float32' }, int8, powersgd], manifest);
    const codecs = (finest: string, ...bytesPerSecond: number[]) =>
      bytesPerSecond.map((speed) => encoder.encode(updates[0]!, 0, finest, pace(100, speed)).codec);
    expect(codecs('', 1e9, 15_000, 1_000)).toEqual(['float32', 'int8', 'powersgd/1']);
    expect(codecs('int8', 1e9, 15_000, 1_000)).toEqual(['int8', 'int8', 'powersgd/1']);
    expect(codecs('powersgd/1', 1e9, 1_000)).toEqual(['powersgd/1', 'powersgd/1']);
    expect(codecs('', 1e9)).toEqual(['float32']);
  });

  it('need no state when every codec is unbiased', () => {
    const encoder = createJobEncoder([{ kind: 'int8' }, { kind: 'float32' }], manifest);
    const { payload } = encoder.encode(updates[0]!, 7, '', pace(1));
    encoder.encode(updates[1]!, 8, '', pace(1)).settle(true);
    expect(encoder.encode(updates[0]!, 7, '', pace(1)).payload).toEqual(payload);
  });

  it('that are not finite are refused, and the next one is sent', () => {
    const encoder = createJobEncoder([powersgd], manifest);
    const bad = new Float32Array(manifest.length).fill(Number.NaN);
    expect(() => encoder.encode(bad, 0, '', pace(1))).toThrow(expect.objectContaining({ code: 'notFinite' }));
    expect(encoder.encode(updates[0]!, 0, '', pace(1)).payload).toEqual(
      createJobEncoder([powersgd], manifest).encode(updates[0]!, 0, '', pace(1)).payload,
    );
  });
});
