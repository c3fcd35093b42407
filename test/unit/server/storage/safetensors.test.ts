import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, safetensorsHeader, tensorNamed } from '../../../../server/storage/safetensors.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { createManifest, type TensorDeclaration } from '../../../../shared/tensor/manifest.ts';

const encoder = new TextEncoder();

function encode(
  tensors: readonly TensorDeclaration[],
  parameters: Float32Array,
  metadata: Record<string, string> = {},
): Uint8Array {
  const header = safetensorsHeader(createManifest(tensors), metadata);
  return Buffer.concat([header, bytesOf(parameters)]);
}

/** A file with any header text. */
function fileOf(header: string, values = new Uint8Array(0)): Uint8Array {
  const json = encoder.encode(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, values]);
}

describe('safetensors', () => {
  test('are these very bytes', () => {
    const file = encode([{ name: 'a', shape: [2] }], Float32Array.of(1, -2), { job: 'x' });
    const json = '{"__metadata__":{"job":"x"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    expect(file).toEqual(
      Buffer.concat([
        Buffer.of(padded.length, 0, 0, 0, 0, 0, 0, 0),
        Buffer.from(padded),
        Buffer.of(0, 0, 128, 63, 0, 0, 0, 192),
      ]),
    );
  });

  test('start their values at a multiple of eight', () => {
    for (let letters = 1; letters < 20; letters++) {
      const manifest = createManifest([{ name: 'n'.repeat(letters), shape: [1] }]);
      expect(safetensorsHeader(manifest, {}).byteLength % 8).toBe(0);
    }
  });

  test('come back as they were written', () => {
    const names = fc.uniqueArray(
      fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      { maxLength: 6 },
    );
    const shape = fc.array(fc.nat({ max: 4 }), { maxLength: 3 });
    const metadata = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(
        names,
        fc.infiniteStream(shape),
        metadata,
        fc.nat({ max: 7 }),
        (given, shapes, notes, shift) => {
          const tensors = given.map((name) => ({ name, shape: shapes.next().value as number[] }));
          const manifest = createManifest(tensors);
          const parameters = Float32Array.from({ length: manifest.length }, (_, index) => index / 3);
          const file = encode(tensors, parameters, notes);
          const shifted = new Uint8Array(file.byteLength + shift);
          shifted.set(file, shift);
          const decoded = decodeSafetensors(shifted.subarray(shift));
          expect(decoded.metadata).toEqual({ ...notes });
          expect(decoded.parameters).toEqual(parameters);
          for (const { name, offset, length } of manifest.tensors) {
            expect(decoded.tensors).toContainEqual({
              name,
              shape: tensors.find((t) => t.name === name)?.shape,
            });
            expect(tensorNamed(decoded, name)).toEqual(parameters.subarray(offset, offset + length));
          }
        },
      ),
    );
  });

  test('need names of their own', () => {
    const twice = [
      { name: 'a', shape: [1] },
      { name: 'a', shape: [1] },
    ];
    expect(() => safetensorsHeader(createManifest(twice), {})).toThrow('Invariant');
    expect(() => safetensorsHeader(createManifest([{ name: '__metadata__', shape: [1] }]), {})).toThrow(
      'Invariant',
    );
  });

  test('that lack a tensor say so', () => {
    const file = decodeSafetensors(encode([{ name: 'a', shape: [1] }], Float32Array.of(1)));
    expect(() => tensorNamed(file, 'b')).toThrow(expect.objectContaining({ code: 'notFound', field: 'b' }));
  });
});

describe('a malformed file is refused', () => {
  const refusal = expect.objectContaining({ name: 'GradswarmError', code: 'dataInvalid' });
  const entry = (changes: object) =>
    JSON.stringify({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...changes } });

  test('whatever its truncation', () => {
    const file = encode([{ name: 'a', shape: [3] }], Float32Array.of(1, 2, 3));
    for (let length = 0; length < file.byteLength; length++) {
      expect(() => decodeSafetensors(file.subarray(0, length))).toThrow(refusal);
    }
    expect(() => decodeSafetensors(Buffer.concat([file, Buffer.of(0)]))).toThrow(refusal);
  });

  test.each([
    ['not JSON', '{'],
    ['a list', '[]'],
    ['another type', entry({ dtype: 'F16' })],
    ['no shape', entry({ shape: undefined })],
    ['a negative size', entry({ shape: [-1] })],
    ['another size', entry({ shape: [2] })],
    ['a gap', entry({ data_offsets: [4, 8] })],
    ['three offsets', entry({ data_offsets: [0, 4, 4] })],
    ['odd metadata', '{"__metadata__":{"a":1}}'],
  ])('%s', (_, header) => {
    expect(() => decodeSafetensors(fileOf(header, new Uint8Array(header.includes('"a":{') ? 4 : 0)))).toThrow(
      refusal,
    );
  });
});
