import type { CodecSpec } from '../../../../shared/codec/codec-spec.ts';
import { float32Kernel } from './float32-kernel.ts';
import { int8Kernel } from './int8-kernel.ts';
import type { SumKernel } from './sum-kernel.ts';

/** Payloads of other kinds are added one by one with the codec's own functions. */
export const kernels = { float32: float32Kernel, int8: int8Kernel } as const satisfies {
  readonly [Kind in CodecSpec['kind']]?: SumKernel;
};

export type KernelKind = keyof typeof kernels;

export function hasKernel(kind: CodecSpec['kind']): kind is KernelKind {
  return Object.hasOwn(kernels, kind);
}
