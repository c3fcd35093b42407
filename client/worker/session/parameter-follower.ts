import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createCodecs } from '../../../shared/codec/codecs.ts';
import { applyUpdate } from '../../../shared/codec/published-update.ts';
import type { ParameterUpdate } from '../../../shared/protocol/services.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { ParameterManifest } from '../../../shared/tensor/manifest.ts';
import type { Sha256 } from '../data/sha256.ts';
import { createWatch } from './waiting.ts';

/** One version of the published vector. A new object for every version that was installed. */
export interface HeldParameters {
  readonly version: number;
  /** SHA-256 that the coordinator announced. */
  readonly hash: string;
  /** Whether the vector has that hash; computed beside the training, awaited before a result counts. */
  readonly verified: Promise<boolean>;
}

export interface Snapshot {
  readonly version: number;
  readonly parametersHash: string;
  readonly payload: Uint8Array;
}

interface PendingUpdate {
  readonly update: ParameterUpdate;
  readonly payload: Uint8Array;
}

/**
 * The published parameters of one job: snapshots installed, updates applied in order. Does no calls itself; `apply`
 * tells when a snapshot is needed.
 */
export interface ParameterFollower {
  readonly held: HeldParameters | undefined;
  /** The vector of `held`; changes in place. */
  readonly flat: Float32Array;
  /** Returns false when the update does not continue what is held: a snapshot is needed. */
  apply(update: ParameterUpdate, payload: Uint8Array): boolean;
  /** @throws GradswarmError `wrongLength`. */
  install(snapshot: Snapshot): void;
  /** Resolves true when `version` or a later one is held, false after `ms`. @throws GradswarmError `cancelled`. */
  waitFor(version: number, ms: number, signal: AbortSignal): Promise<boolean>;
}

export function createParameterFollower(
  manifest: ParameterManifest,
  sha256: Sha256,
  timers: Timers,
): ParameterFollower {
  const codecs = createCodecs(manifest);
  const flat = new Float32Array(manifest.length);
  const bytes = new Uint8Array(flat.buffer);
  const watch = createWatch(timers);
  let held: HeldParameters | undefined;
  let pending: PendingUpdate[] = [];

  const hold = (version: number, hash: string): void => {
    const verified = sha256(bytes).then(
      (actual) => actual === hash,
      () => false,
    );
    held = { version, hash, verified };
    watch.wake();
  };

  const advance = ({ update, payload }: PendingUpdate): boolean => {
    try {
      applyUpdate(codecs(update.codec), flat, payload);
    } catch (error) {
      if (error instanceof GradswarmError) return false;
      throw error;
    }
    hold(update.version, update.parametersHash);
    return true;
  };

  return {
    get held() {
      return held;
    },
    flat,
    apply(update, payload) {
      if (held && update.version <= held.version) return true;
      if (held?.version === update.baseVersion && advance({ update, payload })) return true;
      if (pending.length >= limits.parameterUpdatesPendingMax) pending.shift();
      pending.push({ update, payload });
      return false;
    },
    install(snapshot) {
      if (snapshot.payload.length !== bytes.length) {
        throw new GradswarmError(
          'wrongLength',
          `A snapshot has ${snapshot.payload.length} bytes; the job's parameters take ${bytes.length}.`,
        );
      }
      bytes.set(snapshot.payload);
      hold(snapshot.version, snapshot.parametersHash);
      for (const item of pending) {
        if (item.update.baseVersion === held?.version && !advance(item)) break;
      }
      pending = [];
    },
    waitFor: (version, ms, signal) =>
      watch.until(() => held !== undefined && held.version >= version, ms, signal),
  };
}
