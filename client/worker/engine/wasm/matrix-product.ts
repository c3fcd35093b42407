import type { WasmRuntime } from './wasm-runtime.ts';

/** A matrix on the heap: address of its first element and strides in elements. */
export interface MatrixView {
  readonly pointer: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface ProductSize {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/**
 * `c[rows, columns] = a[rows, depth] b[depth, columns]`, plus the old `c` when `accumulate`. `c` is dense; all three
 * sizes are positive. Each output is one serial sum over the depth: the bits do not depend on blocking or engine.
 */
export function multiply(
  runtime: WasmRuntime,
  a: MatrixView,
  b: MatrixView,
  c: number,
  size: ProductSize,
  accumulate = false,
): void {
  runtime.kernels.gemm(
    a.pointer,
    a.rowStride * 4,
    a.columnStride * 4,
    b.pointer,
    b.rowStride * 4,
    b.columnStride * 4,
    c,
    size.columns * 4,
    size.rows,
    size.columns,
    size.depth,
    accumulate ? 1 : 0,
    runtime.gemmScratch,
  );
}

/** A dense `[rows, columns]` matrix, or its transpose when the tensor is stored as `[columns, rows]`. */
export function denseView(pointer: number, rows: number, columns: number, transposed: boolean): MatrixView {
  return transposed
    ? { pointer, rowStride: 1, columnStride: rows }
    : { pointer, rowStride: columns, columnStride: 1 };
}
