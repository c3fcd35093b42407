import type { GatherV2Attrs, GatherV2Inputs } from '@tensorflow/tfjs-core';
import { GatherV2, util } from '@tensorflow/tfjs-core';
import { defineKernel } from './wasm-kernel.ts';
import { makeOutput, pointerOf, wasmRuntime } from './wasm-runtime.ts';

/** Rows of a table by index, as an embedding looks them up. Other axes and batches go to the stock kernel. */
export const gather = defineKernel<GatherV2Inputs, GatherV2Attrs>(
  GatherV2,
  ({ inputs, attrs }) =>
    inputs.x.dtype === 'float32' &&
    inputs.indices.dtype === 'int32' &&
    util.parseAxisParam(attrs.axis, inputs.x.shape)[0] === 0 &&
    attrs.batchDims === 0,
  ({ inputs, backend }) => {
    const { x, indices } = inputs;
    const rowShape = x.shape.slice(1);
    const sourceRows = x.shape[0] ?? 0;
    const rows = util.sizeFromShape(indices.shape);
    const output = makeOutput(backend, [...indices.shape, ...rowShape]);
    const indicesPointer = pointerOf(backend, indices);
    const rowBytes = util.sizeFromShape(rowShape) * 4;
    const { gatherRows } = wasmRuntime(backend).kernels;
    const done = gatherRows(
      pointerOf(backend, x),
      sourceRows,
      indicesPointer,
      pointerOf(backend, output),
      rowBytes,
      rows,
    );
    if (done < rows) {
      const index = backend.readSync(indices.dataId, done, done + 1)[0];
      backend.disposeData(output.dataId);
      throw new Error(`GatherV2: the index value ${index} is not in [0, ${sourceRows - 1}]`);
    }
    return output;
  },
);
