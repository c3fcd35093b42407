import { describe, expect, it } from 'vitest';
import { portableSha256 } from '../../../../../client/worker/data/sha256.ts';
import { createParameterFollower } from '../../../../../client/worker/session/parameter-follower.ts';
import { createCodec } from '../../../../../shared/codec/codecs.ts';
import { applyUpdate, encodeUpdate } from '../../../../../shared/codec/published-update.ts';
import { systemTimers } from '../../../../../shared/system/system-timers.ts';
import { createManifest } from '../../../../../shared/tensor/manifest.ts';

const manifest = createManifest([{ name: 'vector', shape: [20] }]);
const int8 = createCodec({ kind: 'int8' }, manifest);

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer.slice(0)) as Uint8Array;

/** Versions 0 to 3 of a vector as a coordinator publishes them. */
async function publishedVersions() {
  const published = Float32Array.from({ length: 20 }, (_, index) => Math.cos(index));
  const vectors = [published.slice()];
  const updates = [];
  for (let version = 1; version <= 3; version++) {
    const parameters = published.map((value, index) => value + Math.sin(version * index));
    const payload = encodeUpdate(int8, parameters, published, version);
    applyUpdate(int8, published, payload);
    vectors.push(published.slice());
    const parametersHash = await portableSha256(bytesOf(published));
    const update = { jobId: 'j', baseVersion: version - 1, version, codec: 'int8', parametersHash };
    updates.push({ update: { $typeName: 'gradswarm.v1.ParameterUpdate' as const, ...update }, payload });
  }
  const snapshots = await Promise.all(
    vectors.map(async (vector, version) => ({
      version,
      parametersHash: await portableSha256(bytesOf(vector)),
      payload: bytesOf(vector),
    })),
  );
  return { vectors, updates, snapshots };
}

const createFollower = () => createParameterFollower(manifest, portableSha256, systemTimers);

describe('createParameterFollower', () => {
  it('applies updates in order and verifies every version', async () => {
    const { updates, snapshots, vectors } = await publishedVersions();
    const follower = createFollower();
    follower.install(snapshots[0]!);
    for (const { update, payload } of updates) {
      expect(follower.apply(update, payload)).toBe(true);
      expect(await follower.held?.verified).toBe(true);
    }
    expect(follower.held?.version).toBe(3);
    expect(follower.flat).toEqual(vectors[3]);
  });

  it('keeps updates that come before the snapshot, and continues with those after it', async () => {
    const { updates, snapshots, vectors } = await publishedVersions();
    const follower = createFollower();
    for (const { update, payload } of updates) expect(follower.apply(update, payload)).toBe(false);
    follower.install(snapshots[1]!);
    expect(follower.held?.version).toBe(3);
    expect(follower.flat).toEqual(vectors[3]);
  });

  it('asks for a snapshot when an update is missing, and ignores one that it has', async () => {
    const { updates, snapshots } = await publishedVersions();
    const follower = createFollower();
    follower.install(snapshots[0]!);
    expect(follower.apply(updates[1]!.update, updates[1]!.payload)).toBe(false);
    follower.install(snapshots[2]!);
    expect(follower.apply(updates[0]!.update, updates[0]!.payload)).toBe(true);
    expect(follower.held?.version).toBe(2);
  });

  it('says when the vector is not the announced one', async () => {
    const { snapshots } = await publishedVersions();
    const follower = createFollower();
    follower.install({ ...snapshots[1]!, parametersHash: snapshots[2]!.parametersHash });
    expect(await follower.held?.verified).toBe(false);
  });

  it('refuses a snapshot of another length', async () => {
    const { snapshots } = await publishedVersions();
    const short = { ...snapshots[0]!, payload: new Uint8Array(4) };
    expect(() => createFollower().install(short)).toThrow(/has 4 bytes; the job's parameters take 80/);
  });

  it('wakes those who wait for a version, and lets go after the wait', async () => {
    const { updates, snapshots } = await publishedVersions();
    const follower = createFollower();
    follower.install(snapshots[0]!);
    const { signal } = new AbortController();
    const arrival = follower.waitFor(1, 60_000, signal);
    follower.apply(updates[0]!.update, updates[0]!.payload);
    expect(await arrival).toBe(true);
    expect(await follower.waitFor(9, 1, signal)).toBe(false);
    await expect(follower.waitFor(9, 60_000, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
