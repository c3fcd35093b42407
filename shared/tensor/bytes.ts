import { assert } from '../base/assert.ts';

/**
 * The wire and the disk hold little-endian float32, which is what every engine with WebAssembly or WebGPU keeps in
 * memory; so a vector and its bytes are two views of one buffer.
 */
assert(new Uint8Array(new Uint32Array([1]).buffer)[0] === 1, 'the processor is little-endian');

/** The bytes of `values`, shared, not copied. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The float32 values that `bytes` holds: a view where the alignment allows it, else a copy. Do not write to it. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  assert(bytes.byteLength % 4 === 0, 'float32 bytes come in fours');
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
