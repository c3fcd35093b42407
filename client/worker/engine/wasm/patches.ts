import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { backend_util } from '@tensorflow/tfjs-core';
import type { WasmRuntime } from './wasm-runtime.ts';
import { wasmRuntime } from './wasm-runtime.ts';

export type ConvolutionInfo = backend_util.Conv2DInfo;

/** Patches held at once: small enough for a second-level cache, large enough to amortise the packing of the filter. */
const patchScratchBytes = 512 * 1024;

/** Rows `first` to `first + rows` of the patch matrix, at `pointer`; one row for each output pixel. */
export interface PatchBlock {
  readonly first: number;
  readonly rows: number;
  readonly pointer: number;
}

/** Values in one patch: filterHeight * filterWidth * inChannels. */
export function patchSize(info: ConvolutionInfo): number {
  return info.filterHeight * info.filterWidth * info.inChannels;
}

/** Output pixels of the batch: rows of the patch matrix. */
export function outputPixels(info: ConvolutionInfo): number {
  return info.batchSize * info.outHeight * info.outWidth;
}

/** Whether the image itself is the patch matrix: a filter of one pixel, one step at a time, without padding. */
export function isPointwise(info: ConvolutionInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  return (
    info.filterHeight === 1 &&
    info.filterWidth === 1 &&
    info.strideHeight === 1 &&
    info.strideWidth === 1 &&
    Math.max(top, bottom, left, right) === 0
  );
}

/** Calls `use` with one block of scratch after another, until the blocks have covered the patch matrix. */
export function forEachPatchBlock(
  backend: BackendWasm,
  info: ConvolutionInfo,
  use: (runtime: WasmRuntime, block: PatchBlock) => void,
): void {
  const runtime = wasmRuntime(backend);
  const rowBytes = patchSize(info) * 4;
  const pixels = outputPixels(info);
  const rowsMax = Math.max(4, Math.floor(patchScratchBytes / rowBytes / 4) * 4);
  const pointer = runtime.scratch(rowsMax * rowBytes);
  for (let first = 0; first < pixels; first += rowsMax) {
    use(runtime, { first, rows: Math.min(rowsMax, pixels - first), pointer });
  }
}

/** Copies patches of the NHWC image into the block (im2col), zero where the filter hangs over the edge. */
export function gatherPatches(
  runtime: WasmRuntime,
  image: number,
  block: PatchBlock,
  info: ConvolutionInfo,
): void {
  movePatches(runtime, image, block, info, 0);
}

/** Adds the block to the patches of the NHWC image that its rows stand for (col2im). */
export function scatterPatches(
  runtime: WasmRuntime,
  image: number,
  block: PatchBlock,
  info: ConvolutionInfo,
): void {
  movePatches(runtime, image, block, info, 1);
}

function movePatches(
  runtime: WasmRuntime,
  image: number,
  block: PatchBlock,
  info: ConvolutionInfo,
  scatter: 0 | 1,
): void {
  runtime.kernels.patches(
    image,
    block.pointer,
    block.first,
    block.rows,
    info.inHeight,
    info.inWidth,
    info.inChannels * 4,
    info.outHeight,
    info.outWidth,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
    scatter,
  );
}
