import { assert } from '../../../../shared/base/assert.ts';
import { limits } from '../../../../shared/base/limits.ts';
import type { Codec } from '../../../../shared/codec/codec.ts';
import { assertGridWeight, merge as mergeInto } from '../../../../shared/tensor/grid.ts';
import type { Reducers } from './reducers.ts';
import type { CheckedPayload, HeldPayload } from './sum-kernel.ts';
import { hasKernel, type KernelKind, kernels } from './sum-kernels.ts';
import { createSumMemory, openLane, rowsMax, type SumLane } from './sum-memory.ts';

interface OwnMemory {
  readonly memory: WebAssembly.Memory;
  readonly lane: SumLane;
}

/**
 * An exact sum of payloads. Those of codecs with a kernel are held until several are there and added together, so that
 * the accumulator passes through the caches once for all of them. The bits are those of the codecs' own
 * `decodeAndAccumulate`, in whatever order and groups.
 */
export class HeldSum {
  readonly #length: number;
  readonly #reducers: Reducers | undefined;
  /** Absent until something is checked: whoever only follows needs no memory for it. */
  #own: OwnMemory | undefined;
  #held = new Map<KernelKind, HeldPayload[]>();
  #heldBytes = 0;
  #isZero = true;

  /** @param reducers threads that help with long vectors */
  constructor(length: number, reducers?: Reducers) {
    this.#length = length;
    this.#reducers = reducers !== undefined && length >= reducers.columnsMin ? reducers : undefined;
  }

  /** @throws GradswarmError as the codec's `squaredNorm`; otherwise the payload may be added. */
  check(codec: Codec, payload: Uint8Array, seed: number): CheckedPayload {
    const { kind } = codec.spec;
    if (hasKernel(kind) && payload.length === codec.encodedBytes) {
      const checked = kernels[kind].check(this.#ownMemory().lane, payload);
      if (Number.isFinite(checked.squaredNorm)) return checked;
    }
    // Bad payloads come here too: the codec knows what is wrong.
    return { squaredNorm: codec.squaredNorm(payload, seed), isBounded: false };
  }

  /** @param checked what `check` gave for this very payload, which nobody may change from now on. */
  add(codec: Codec, payload: Uint8Array, seed: number, weight: number, checked: CheckedPayload): void {
    assertGridWeight(weight);
    const { kind } = codec.spec;
    if (!hasKernel(kind)) {
      this.#isZero = false;
      codec.decodeAndAccumulate(payload, seed, this.#ownMemory().lane.accumulator, weight);
      return;
    }
    assert(payload.length === codec.encodedBytes, 'a payload is checked before it is added');
    const group = this.#held.get(kind) ?? [];
    this.#held.set(kind, group);
    const bytes = this.#reducers === undefined ? payload : shared(payload);
    group.push({ payload: bytes, weight, isBounded: checked.isBounded });
    this.#heldBytes += payload.length;
    if (group.length === rowsMax || this.#heldBytes >= limits.heldPayloadBytesMax) this.#addHeld();
  }

  /** Adds partial sums; their weights count as if their contributions had been added here. */
  merge(partial: Float64Array): void {
    this.#isZero = false;
    mergeInto(this.#ownMemory().lane.accumulator, partial);
  }

  /** The sum so far; its memory is written on by later additions. */
  total(): Float64Array {
    this.#addHeld();
    return this.#ownMemory().lane.accumulator;
  }

  clear(): void {
    this.#dropHeld();
    if (!this.#isZero) this.#own?.lane.accumulator.fill(0);
    this.#isZero = true;
  }

  /** Clears, and gives the memory back. */
  release(): void {
    this.#dropHeld();
    this.#own = undefined;
    this.#isZero = true;
  }

  #addHeld(): void {
    for (const [kind, group] of this.#held) {
      this.#isZero = false;
      const { memory, lane } = this.#ownMemory();
      if (this.#reducers === undefined) kernels[kind].add(lane, group);
      else this.#reducers.add(memory, lane, kind, group);
    }
    this.#dropHeld();
  }

  #dropHeld(): void {
    this.#held.clear();
    this.#heldBytes = 0;
  }

  #ownMemory(): OwnMemory {
    if (this.#own === undefined) {
      const lanes = this.#reducers?.lanes ?? 1;
      const memory = createSumMemory(this.#length, lanes);
      this.#own = { memory, lane: openLane({ memory, length: this.#length, lane: 0, lanes }) };
    }
    return this.#own;
  }
}

/** The payload where every thread can read it. */
function shared(payload: Uint8Array): Uint8Array {
  if (payload.buffer instanceof SharedArrayBuffer) return payload;
  const copy = new Uint8Array(new SharedArrayBuffer(payload.length));
  copy.set(payload);
  return copy;
}
