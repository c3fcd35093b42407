import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type {
  MaxPool3DAttrs,
  MaxPool3DGradAttrs,
  MaxPool3DGradInputs,
  MaxPool3DInputs,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { backend_util, MaxPool, MaxPool3D, MaxPool3DGrad, MaxPoolGrad } from '@tensorflow/tfjs-core';
import { defineKernel, runRegistered } from './wasm-kernel.ts';

type Shape5D = [number, number, number, number, number];
type Geometry = Pick<MaxPool3DAttrs, 'filterSize' | 'strides' | 'pad' | 'dimRoundingMode'>;
type PoolAttributes = NonNullable<Parameters<typeof runRegistered>[3]>;

/**
 * The stock kernel starts its maxima at the smallest positive float, so it is wrong for windows of negative values.
 * Here the maximum is taken over height and width first, then over depth, with the two-dimensional kernel; ties go to
 * the first element in both stages, as in a direct search.
 */
export const maxPool3D = defineKernel<MaxPool3DInputs, MaxPool3DAttrs>(
  MaxPool3D,
  ({ inputs, attrs }) => inputs.x.dtype === 'float32' && attrs.dataFormat === 'NDHWC',
  ({ inputs, backend, attrs }) => {
    const stages = poolStages(inputs.x.shape, attrs);
    const planes = poolPlanes(backend, inputs.x, stages);
    const output = runRegistered(backend, MaxPool, { x: withShape(planes, stages.depthInput) }, stages.depth);
    backend.disposeData(planes.dataId);
    return withShape(output, stages.outShape);
  },
);

/** Both stages in reverse. */
export const maxPool3DGradient = defineKernel<MaxPool3DGradInputs, MaxPool3DGradAttrs>(
  MaxPool3DGrad,
  ({ inputs }) => inputs.input.dtype === 'float32' && inputs.dy.dtype === 'float32',
  ({ inputs, backend, attrs }) => {
    const { dy, input, output } = inputs;
    const stages = poolStages(input.shape, attrs);
    const planes = poolPlanes(backend, input, stages);
    const [batch, outDepth, outHeight, outWidth, channels] = stages.outShape;
    const depthOutput = [batch, outDepth, outHeight * outWidth, channels];
    const planesGradient = runRegistered(
      backend,
      MaxPoolGrad,
      {
        dy: withShape(dy, depthOutput),
        input: withShape(planes, stages.depthInput),
        output: withShape(output, depthOutput),
      },
      stages.depth,
    );
    const gradient = runRegistered(
      backend,
      MaxPoolGrad,
      {
        dy: withShape(planesGradient, planes.shape),
        input: withShape(input, stages.planesInput),
        output: planes,
      },
      stages.planes,
    );
    backend.disposeData(planes.dataId);
    backend.disposeData(planesGradient.dataId);
    return withShape(gradient, input.shape);
  },
);

interface PoolStages {
  readonly outShape: Shape5D;
  /** `[batch * depth, height, width, channels]`. */
  readonly planesInput: number[];
  readonly planes: PoolAttributes;
  /** `[batch, depth, outHeight * outWidth, channels]`. */
  readonly depthInput: number[];
  readonly depth: PoolAttributes;
}

function poolStages(shape: number[], { filterSize, strides, pad, dimRoundingMode }: Geometry): PoolStages {
  const [batch, depth, height, width, channels] = shape as Shape5D;
  const info = backend_util.computePool3DInfo(shape as Shape5D, filterSize, strides, 1, pad, dimRoundingMode);
  const rounding = dimRoundingMode === undefined ? {} : { dimRoundingMode };
  // Padding by a number is spelled out: in two dimensions TensorFlow.js sizes the width by the stride of the height.
  const spelledOut = (across: boolean) =>
    typeof pad === 'number' ? [[0, 0], [pad, pad], across ? [pad, pad] : [0, 0], [0, 0]] : pad;
  return {
    outShape: info.outShape,
    planesInput: [batch * depth, height, width, channels],
    planes: {
      filterSize: [info.filterHeight, info.filterWidth],
      strides: [info.strideHeight, info.strideWidth],
      pad: spelledOut(true),
      ...rounding,
    },
    depthInput: [batch, depth, info.outHeight * info.outWidth, channels],
    depth: {
      filterSize: [info.filterDepth, 1],
      strides: [info.strideDepth, 1],
      pad: spelledOut(false),
      ...rounding,
    },
  };
}

function poolPlanes(backend: BackendWasm, x: TensorInfo, stages: PoolStages): TensorInfo {
  return runRegistered(backend, MaxPool, { x: withShape(x, stages.planesInput) }, stages.planes);
}

/** The same data seen with another shape; ownership does not change. */
function withShape({ dataId, dtype }: TensorInfo, shape: number[]): TensorInfo {
  return { dataId, dtype, shape };
}
