import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { assert } from '../../../../shared/base/assert.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { hashKey } from '../../../../shared/codec/counter-hash.ts';
import { int8BlockLength as blockLength } from '../../../../shared/codec/int8.ts';
import { scaleByteMax } from '../../../../shared/codec/int8-scale.ts';

type Program = Parameters<WebGPUBackend['runWebGPUProgram']>[0];

const codeWordsPerBlock = blockLength / 4;
/** The scale of a block, then its codes, four to a word. */
const wordsPerBlock = 1 + codeWordsPerBlock;
const workgroupLength = 64;

/**
 * One invocation quantises one block, without barriers. A value v over its scale 2^s is x = v * 2^-s; with the uniform
 * fraction u its code is floor(x + u). All of it in whole numbers: a shader's own arithmetic may flush, fuse or round
 * differently, and the bits must be those of every other engine. What follows the values is copied as it is.
 */
const functions = /* wgsl */ `
fn uniformWord(position : u32) -> u32 {
  var word = position * 0x9e3779b9u + bitcast<u32>(uniforms.firstKey);
  word = ((word ^ (word >> 16u)) * 0x21f0aaadu) ^ bitcast<u32>(uniforms.secondKey);
  word = (word ^ (word >> 15u)) * 0xd35a2d97u;
  return word ^ (word >> 15u);
}

fn scaleByteFor(magnitude : u32) -> i32 {
  let exponent = i32(magnitude >> 23u) - 127;
  let scale = select(exponent - 5, exponent - 6, (magnitude & 0x7fffffu) <= 0x7e0000u);
  return max(scale + 40, 0);
}

// floor(x + u) for the bits of v and u = word / 2^32: the whole part of |x|, 32 bits of its fraction, and whether
// anything is left below them.
fn codeOf(bits : u32, scaleByte : i32, word : u32) -> i32 {
  let exponent = i32((bits >> 23u) & 0xffu);
  var mantissa = bits & 0x7fffffu;
  if (exponent > 0) { mantissa = mantissa | 0x800000u; }
  let down = u32(150 + scaleByte - 40 - max(exponent, 1));
  var whole = 0u;
  var fraction = 0u;
  var isMore = false;
  if (down < 32u) {
    whole = mantissa >> down;
    fraction = (mantissa - (whole << down)) << (32u - down);
  } else if (down - 32u < 24u) {
    fraction = mantissa >> (down - 32u);
    isMore = (fraction << (down - 32u)) != mantissa;
  } else {
    isMore = mantissa != 0u;
  }
  if ((bits >> 31u) == 0u) {
    return i32(whole) + select(0, 1, fraction + word < fraction);
  }
  return -i32(whole) - select(0, 1, word < fraction || (word == fraction && isMore));
}
`;

const entry = /* wgsl */ `
fn main(index : i32) {
  let start = index * ${blockLength};
  let end = min(start + ${blockLength}, uniforms.valueCount);
  if (start < end) {
    var largest = 0u;
    for (var position = start; position < end; position = position + 1) {
      largest = max(largest, bitcast<u32>(A[position]) & 0x7fffffffu);
    }
    let scaleByte = scaleByteFor(largest);
    let base = index * ${wordsPerBlock};
    result[base] = scaleByte;
    for (var word = 0; word < ${codeWordsPerBlock}; word = word + 1) {
      var bundle = 0u;
      for (var lane = 0; lane < 4; lane = lane + 1) {
        let position = start + 4 * word + lane;
        if (position < end) {
          let quantised = codeOf(bitcast<u32>(A[position]), scaleByte, uniformWord(u32(position)));
          bundle = bundle | ((bitcast<u32>(quantised) & 0xffu) << u32(8 * lane));
        }
      }
      result[base + 1 + word] = bitcast<i32>(bundle);
    }
  }
  if (index == 0) {
    let blocks = (uniforms.valueCount + ${blockLength - 1}) / ${blockLength};
    for (var extra = uniforms.valueCount; extra < uniforms.aShape; extra = extra + 1) {
      result[blocks * ${wordsPerBlock} + extra - uniforms.valueCount] = bitcast<i32>(A[extra]);
    }
  }
}
`;

function programFor(blocks: number, extras: number): Program {
  return {
    variableNames: ['A'],
    outputShape: [blocks * wordsPerBlock + extras],
    workgroupSize: [workgroupLength, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(blocks / workgroupLength), 1, 1],
    shaderKey: 'gradswarmInt8',
    uniforms: 'firstKey : i32, secondKey : i32, valueCount : i32,',
    getUserCode: () => functions + entry,
  };
}

export interface QuantisedOnDevice {
  /** As `int8` encodes the values, bit for bit. */
  readonly payload: Uint8Array;
  /** What followed the values. */
  readonly rest: Float32Array;
}

/**
 * Encodes the first `length` of `values` with `int8` on the WebGPU device and reads the result back, a quarter of the
 * bytes of the values. Disposes of nothing.
 * @throws GradswarmError `notFinite`.
 */
export async function encodeInt8OnDevice(
  values: tf.Tensor1D,
  length: number,
  seed: number,
): Promise<QuantisedOnDevice> {
  const blocks = Math.ceil(length / blockLength);
  assert(blocks > 0 && values.size >= length, 'there is something to encode');
  const { first, second } = hashKey(seed);
  const uniforms = [first, second, length].map((value) => ({ type: 'int32', data: [value] }));
  const backend = tf.backend() as WebGPUBackend;
  const program = programFor(blocks, values.size - length);
  const quantised = tf
    .engine()
    .makeTensorFromTensorInfo(backend.runWebGPUProgram(program, [values], 'int32', uniforms));
  try {
    return unpack((await quantised.data()) as Int32Array, blocks, length);
  } finally {
    quantised.dispose();
  }
}

function unpack(words: Int32Array, blocks: number, length: number): QuantisedOnDevice {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const payload = new Uint8Array(blocks + length);
  for (let block = 0; block < blocks; block++) {
    const word = block * wordsPerBlock;
    const scaleByte = words[word] ?? Number.NaN;
    if (!(scaleByte <= scaleByteMax)) {
      throw new GradswarmError('notFinite', 'The vector holds NaN, an infinity, or a value beyond 1e38.');
    }
    payload[block] = scaleByte;
    const start = block * blockLength;
    const count = Math.min(blockLength, length - start);
    payload.set(bytes.subarray(4 * word + 4, 4 * word + 4 + count), blocks + start);
  }
  return { payload, rest: new Float32Array(bytes.slice(4 * blocks * wordsPerBlock).buffer) };
}
