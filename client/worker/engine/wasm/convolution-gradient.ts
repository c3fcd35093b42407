import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type {
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropFilterInputs,
  Conv2DBackpropInputAttrs,
  Conv2DBackpropInputInputs,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { backend_util, Conv2DBackpropFilter, Conv2DBackpropInput, util } from '@tensorflow/tfjs-core';
import { denseView, multiply } from './matrix-product.ts';
import type { ConvolutionInfo } from './patches.ts';
import {
  forEachPatchBlock,
  gatherPatches,
  isPointwise,
  outputPixels,
  patchSize,
  scatterPatches,
} from './patches.ts';
import { defineKernel } from './wasm-kernel.ts';
import { makeOutput, makeZeros, pointerOf, wasmRuntime } from './wasm-runtime.ts';

type Shape4D = [number, number, number, number];
type Geometry = Pick<Conv2DBackpropInputAttrs, 'strides' | 'pad' | 'dimRoundingMode'>;

/** Gradient with respect to the filter: the transposed patch matrix times `dy`. The stock backend has no such kernel. */
export const conv2DBackpropFilter = defineKernel<Conv2DBackpropFilterInputs, Conv2DBackpropFilterAttrs>(
  Conv2DBackpropFilter,
  ({ inputs, attrs }) => isFloatNhwc([inputs.x, inputs.dy], attrs.dataFormat),
  ({ inputs, backend, attrs }) => {
    const info = convolutionInfo(inputs.x.shape, attrs.filterShape, attrs);
    return filterGradient(backend, inputs.x, inputs.dy, info);
  },
);

/** Gradient with respect to the image: `dy` times the transposed filter, added back to the patches. */
export const conv2DBackpropInput = defineKernel<Conv2DBackpropInputInputs, Conv2DBackpropInputAttrs>(
  Conv2DBackpropInput,
  ({ inputs, attrs }) => isFloatNhwc([inputs.dy, inputs.filter], attrs.dataFormat),
  ({ inputs, backend, attrs }) => {
    const info = convolutionInfo(attrs.inputShape, inputs.filter.shape, attrs);
    return inputGradient(backend, inputs.dy, inputs.filter, info);
  },
);

function isFloatNhwc(tensors: TensorInfo[], dataFormat: string): boolean {
  return dataFormat === 'NHWC' && tensors.every(({ dtype }) => dtype === 'float32');
}

function convolutionInfo(inputShape: number[], filterShape: number[], geometry: Geometry): ConvolutionInfo {
  const { strides, pad, dimRoundingMode } = geometry;
  return backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides as [number, number],
    1,
    pad,
    dimRoundingMode,
  );
}

function isEmpty(info: ConvolutionInfo): boolean {
  return [info.inShape, info.outShape, info.filterShape].some((shape) => util.sizeFromShape(shape) === 0);
}

function filterGradient(
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: ConvolutionInfo,
): TensorInfo {
  if (isEmpty(info)) return makeZeros(backend, info.filterShape);
  const output = makeOutput(backend, info.filterShape);
  const image = pointerOf(backend, x);
  const gradient = pointerOf(backend, dy);
  const target = pointerOf(backend, output);
  const rows = patchSize(info);
  const columns = info.outChannels;
  if (isPointwise(info)) {
    const depth = outputPixels(info);
    const right = denseView(gradient, depth, columns, false);
    multiply(wasmRuntime(backend), denseView(image, rows, depth, true), right, target, {
      rows,
      columns,
      depth,
    });
    return output;
  }
  forEachPatchBlock(backend, info, (runtime, block) => {
    gatherPatches(runtime, image, block, info);
    const depth = block.rows;
    const left = denseView(block.pointer, rows, depth, true);
    const right = denseView(gradient + block.first * columns * 4, depth, columns, false);
    multiply(runtime, left, right, target, { rows, columns, depth }, block.first > 0);
  });
  return output;
}

function inputGradient(
  backend: BackendWasm,
  dy: TensorInfo,
  filter: TensorInfo,
  info: ConvolutionInfo,
): TensorInfo {
  if (isEmpty(info)) return makeZeros(backend, info.inShape);
  const gradient = pointerOf(backend, dy);
  const columns = patchSize(info);
  const depth = info.outChannels;
  const right = denseView(pointerOf(backend, filter), depth, columns, true);
  if (isPointwise(info)) {
    const output = makeOutput(backend, info.inShape);
    const rows = outputPixels(info);
    const left = denseView(gradient, rows, depth, false);
    multiply(wasmRuntime(backend), left, right, pointerOf(backend, output), { rows, columns, depth });
    return output;
  }
  const output = makeZeros(backend, info.inShape);
  const image = pointerOf(backend, output);
  forEachPatchBlock(backend, info, (runtime, block) => {
    const left = denseView(gradient + block.first * depth * 4, block.rows, depth, false);
    multiply(runtime, left, right, block.pointer, { rows: block.rows, columns, depth });
    scatterPatches(runtime, image, block, info);
  });
  return output;
}
