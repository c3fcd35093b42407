import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { SliceAttrs, SliceInputs, SplitVAttrs, SplitVInputs, TensorInfo } from '@tensorflow/tfjs-core';
import { backend_util, Slice, SplitV, slice_util, util } from '@tensorflow/tfjs-core';
import { defineKernel } from './wasm-kernel.ts';
import { makeOutput, pointerOf, wasmRuntime } from './wasm-runtime.ts';

/** The stock kernel copies the whole tensor out of the heap to take a part of it. */
export const slice = defineKernel<SliceInputs, SliceAttrs>(
  Slice,
  ({ inputs }) => hasFourBytes(inputs.x),
  ({ inputs, backend, attrs }) => {
    const [begin = [], size = []] = slice_util.parseSliceParams(inputs.x, attrs.begin, attrs.size);
    return copyPart(backend, inputs.x, begin, size);
  },
);

export const split = defineKernel<SplitVInputs, SplitVAttrs>(
  SplitV,
  ({ inputs }) => hasFourBytes(inputs.x),
  ({ inputs, backend, attrs }) => {
    const { x } = inputs;
    const [axis = 0] = util.parseAxisParam(attrs.axis, x.shape);
    const begin = x.shape.map(() => 0);
    return backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis).map((length) => {
      const part = copyPart(backend, x, begin, x.shape.with(axis, length));
      begin[axis]! += length;
      return part;
    });
  },
);

function hasFourBytes({ dtype }: TensorInfo): boolean {
  return dtype === 'float32' || dtype === 'int32';
}

function copyPart(backend: BackendWasm, x: TensorInfo, begin: number[], size: number[]): TensorInfo {
  const output = makeOutput(backend, size, x.dtype);
  if (util.sizeFromShape(size) === 0) return output;
  const strides = byteStrides(x.shape);
  const start = begin.reduce((offset, index, axis) => offset + index * strides[axis]!, pointerOf(backend, x));
  // Whole trailing axes, and the first one that is cut, are one run of bytes.
  let cut = size.length - 1;
  while (cut > 0 && size[cut] === x.shape[cut]) cut--;
  const runBytes = cut < 0 ? 4 : size[cut]! * strides[cut]!;
  const { copyRows } = wasmRuntime(backend).kernels;
  let target = pointerOf(backend, output);
  const copy = (axis: number, source: number): void => {
    if (axis >= cut) {
      copyRows(source, 0, target, 0, runBytes, 1);
      target += runBytes;
    } else if (axis === cut - 1) {
      copyRows(source, strides[axis]!, target, runBytes, runBytes, size[axis]!);
      target += runBytes * size[axis]!;
    } else {
      for (let index = 0; index < size[axis]!; index++) copy(axis + 1, source + index * strides[axis]!);
    }
  };
  copy(0, start);
  return output;
}

function byteStrides(shape: number[]): number[] {
  const strides = shape.map(() => 4);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}
