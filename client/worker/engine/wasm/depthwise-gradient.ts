import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type {
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropFilterInputs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  DepthwiseConv2dNativeBackpropInputInputs,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import {
  backend_util,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  util,
} from '@tensorflow/tfjs-core';
import type { ConvolutionInfo } from './patches.ts';
import { defineKernel } from './wasm-kernel.ts';
import { makeZeros, pointerOf, wasmRuntime } from './wasm-runtime.ts';

type Shape4D = [number, number, number, number];
type Geometry = Pick<
  DepthwiseConv2dNativeBackpropInputAttrs,
  'strides' | 'dilations' | 'pad' | 'dimRoundingMode'
>;

/** The stock backend has neither gradient of the depthwise convolution. */
export const depthwiseBackpropFilter = defineKernel<
  DepthwiseConv2dNativeBackpropFilterInputs,
  DepthwiseConv2dNativeBackpropFilterAttrs
>(
  DepthwiseConv2dNativeBackpropFilter,
  ({ inputs }) => inputs.x.dtype === 'float32' && inputs.dy.dtype === 'float32',
  ({ inputs, backend, attrs }) => {
    const info = depthwiseInfo(inputs.x.shape, attrs.filterShape, attrs);
    const output = makeZeros(backend, info.filterShape);
    accumulate(backend, inputs.x, inputs.dy, output, info, 1);
    return output;
  },
);

export const depthwiseBackpropInput = defineKernel<
  DepthwiseConv2dNativeBackpropInputInputs,
  DepthwiseConv2dNativeBackpropInputAttrs
>(
  DepthwiseConv2dNativeBackpropInput,
  ({ inputs }) => inputs.dy.dtype === 'float32' && inputs.filter.dtype === 'float32',
  ({ inputs, backend, attrs }) => {
    const info = depthwiseInfo(attrs.inputShape, inputs.filter.shape, attrs);
    const output = makeZeros(backend, info.inShape);
    accumulate(backend, output, inputs.dy, inputs.filter, info, 0);
    return output;
  },
);

function depthwiseInfo(inputShape: number[], filterShape: number[], geometry: Geometry): ConvolutionInfo {
  return backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    geometry.strides as [number, number],
    geometry.dilations as [number, number],
    geometry.pad,
    geometry.dimRoundingMode,
    true,
  );
}

function accumulate(
  backend: BackendWasm,
  image: TensorInfo,
  dy: TensorInfo,
  filter: TensorInfo,
  info: ConvolutionInfo,
  toFilter: 0 | 1,
): void {
  if ([image, dy, filter].some(({ shape }) => util.sizeFromShape(shape) === 0)) return;
  wasmRuntime(backend).kernels.depthwiseGradient(
    pointerOf(backend, image),
    pointerOf(backend, dy),
    pointerOf(backend, filter),
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outChannels / info.inChannels,
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
    toFilter,
  );
}
