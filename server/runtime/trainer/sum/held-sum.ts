import { assert } from '../../../../shared/base/assert.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { Codec } from '../../../../shared/codec/codec.ts';
import { assertGridWeight, merge as mergeInto } from '../../../../shared/tensor/grid.ts';
import type { CheckedPayload, HeldPayload, SumKernel } from './sum-kernel.ts';
import { sumKernelFor } from './sum-kernels.ts';
import { createSumMemory, rowsMax, type SumMemory } from './sum-memory.ts';

/**
 * An exact sum of payloads. Those of codecs with a kernel are held until several are there and added together, so that
 * the accumulator passes through the caches once for all of them. The bits are those of the codecs' own
 * `decodeAndAccumulate`, in whatever order and groups.
 */
export class HeldSum {
  readonly #length: number;
  /** Absent until something is checked: whoever only follows needs no memory for it. */
  #memory: SumMemory | undefined;
  #held = new Map<SumKernel, HeldPayload[]>();
  #heldBytes = 0;
  #isZero = true;

  constructor(length: number) {
    this.#length = length;
  }

  /** @throws GradswarmError as the codec's `squaredNorm`; otherwise the payload may be added. */
  check(codec: Codec, payload: Uint8Array, seed: number): CheckedPayload {
    const kernel = sumKernelFor(codec.spec);
    if (kernel !== undefined && payload.length === codec.encodedBytes) {
      const checked = kernel.check(this.#ownMemory(), payload);
      if (Number.isFinite(checked.squaredNorm)) return checked;
    }
    // Bad payloads come here too: the codec knows what is wrong.
    return { squaredNorm: codec.squaredNorm(payload, seed), isBounded: false };
  }

  /** @param checked what `check` gave for this very payload, which nobody may change from now on. */
  add(codec: Codec, payload: Uint8Array, seed: number, weight: number, checked: CheckedPayload): void {
    assertGridWeight(weight);
    const kernel = sumKernelFor(codec.spec);
    if (kernel === undefined) {
      this.#isZero = false;
      codec.decodeAndAccumulate(payload, seed, this.#ownMemory().accumulator, weight);
      return;
    }
    assert(payload.length === codec.encodedBytes, 'a payload is checked before it is added');
    const group = this.#held.get(kernel) ?? [];
    this.#held.set(kernel, group);
    group.push({ payload, weight, isBounded: checked.isBounded });
    this.#heldBytes += payload.length;
    if (group.length === rowsMax || this.#heldBytes >= limits.heldPayloadBytesMax) this.#addHeld();
  }

  /** Adds partial sums; their weights count as if their contributions had been added here. */
  merge(partial: Float64Array): void {
    this.#isZero = false;
    mergeInto(this.#ownMemory().accumulator, partial);
  }

  /** The sum so far; its memory is written on by later additions. */
  total(): Float64Array {
    this.#addHeld();
    return this.#ownMemory().accumulator;
  }

  clear(): void {
    this.#dropHeld();
    if (!this.#isZero) this.#memory?.accumulator.fill(0);
    this.#isZero = true;
  }

  /** Clears, and gives the memory back. */
  release(): void {
    this.#dropHeld();
    this.#memory = undefined;
    this.#isZero = true;
  }

  #addHeld(): void {
    for (const [kernel, group] of this.#held) {
      this.#isZero = false;
      kernel.add(this.#ownMemory(), group);
    }
    this.#dropHeld();
  }

  #dropHeld(): void {
    this.#held.clear();
    this.#heldBytes = 0;
  }

  #ownMemory(): SumMemory {
    this.#memory ??= createSumMemory(this.#length);
    return this.#memory;
  }
}
