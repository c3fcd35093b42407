import { expect, it } from 'vitest';
import { createVectorBlob, readVectorBlob } from '../../../../server/runtime/vector-blob.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';

const values = Float32Array.of(1, -2, 0.5);

function blobOf(owner: string): Uint8Array {
  const blob = createVectorBlob(values.length, owner);
  blob.values.set(values);
  return blob.bytes;
}

it('gives the vector back to its owner, wherever the bytes lie', () => {
  const bytes = blobOf('round 1');
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  expect(readVectorBlob(bytes, 3, 'round 1')).toEqual(values);
  expect(readVectorBlob(shifted.subarray(1), 3, 'round 1')).toEqual(values);
});

it('differs from the blob of another owner with the same values, and is not read as its', () => {
  expect(blobOf('round 1')).not.toEqual(blobOf('round 2'));
  expect(readVectorBlob(blobOf('round 1'), 3, 'round 2')).toBeUndefined();
});

it('is refused when its length is not that of the vector', () => {
  for (const length of [2, 4]) expect(readVectorBlob(blobOf('round 1'), length, 'round 1')).toBeUndefined();
});

it('is read without a seal as well, as earlier versions stored it', () => {
  expect(readVectorBlob(bytesOf(values), 3, 'round 1')).toEqual(values);
});
