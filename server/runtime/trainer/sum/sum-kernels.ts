import type { CodecKind, CodecSpec } from '../../../../shared/codec/codec-spec.ts';
import { float32Kernel } from './float32-kernel.ts';
import { int8Kernel } from './int8-kernel.ts';
import type { SumKernel } from './sum-kernel.ts';

/** Payloads of other kinds are added one by one with the codec's own functions. */
const kernels: { readonly [Kind in CodecKind]?: SumKernel } = { float32: float32Kernel, int8: int8Kernel };

export function sumKernelFor({ kind }: CodecSpec): SumKernel | undefined {
  return kernels[kind];
}
