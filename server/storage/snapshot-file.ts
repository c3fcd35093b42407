import { createHash } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { ClusterConfiguration } from '../raft/cluster-configuration.ts';
import type { Snapshot } from '../raft/raft.ts';
import { encodeSnapshotBlob, hashSnapshot } from '../runtime/raft/snapshot-blob.ts';

/**
 * State at one index of the log, in one file, little-endian:
 *
 *     0  magic        16  cluster id (16 bytes)   48  u64 bytes of configuration    64  SHA-256 of header and configuration
 *     8  u64 version  32  u64 index, u64 term     56  u64 bytes of state            96  SHA-256 of the state
 *                                                                                  128  configuration as JSON, then state
 *
 * The first digest covers the second. Version 1, of a coordinator that was alone, has no configuration: at 48 it has
 * the bytes of sessions, at 56 those of the state, at 64 a digest of everything else, and both parts from 96 on.
 */
const headerBytes = 128;
const digestOffset = 64;
const stateDigestOffset = 96;
const magic = new TextEncoder().encode('GSWRSNAP');
const version = 2n;
const firstVersionHeaderBytes = 96;

/** Header and configuration; the snapshot's bytes follow them. */
export function encodeSnapshotHead({ meta }: Snapshot, clusterId: string): Uint8Array {
  const configuration = new TextEncoder().encode(JSON.stringify(meta.configuration));
  const head = new Uint8Array(headerBytes + configuration.length);
  const view = new DataView(head.buffer);
  head.set(magic);
  view.setBigUint64(8, version, true);
  head.set(Buffer.from(clusterId, 'hex'), 16);
  view.setBigUint64(32, BigInt(meta.index), true);
  view.setBigUint64(40, BigInt(meta.term), true);
  view.setBigUint64(48, BigInt(configuration.length), true);
  view.setBigUint64(56, BigInt(meta.totalBytes), true);
  head.set(Buffer.from(meta.sha256, 'hex'), stateDigestOffset);
  head.set(configuration, headerBytes);
  head.set(digest(head.subarray(0, digestOffset), head.subarray(stateDigestOffset)), digestOffset);
  return head;
}

/**
 * `alone`: the configuration of a file of version 1.
 * @throws GradswarmError `corrupted` or `conflict`, naming `path`.
 */
export function decodeSnapshotFile(
  bytes: Uint8Array,
  path: string,
  clusterId: string,
  alone: ClusterConfiguration,
): Snapshot {
  const reader = new FileReader(bytes, path);
  const foundVersion = reader.version();
  if (foundVersion === 1n) return decodeFirstVersion(reader, clusterId, alone);
  if (foundVersion !== version) throw reader.corrupted(`version ${foundVersion} is not known`);
  const configurationStart = reader.need(headerBytes);
  const stateStart = reader.need(configurationStart + reader.number(48));
  const found = digest(bytes.subarray(0, digestOffset), bytes.subarray(stateDigestOffset, stateStart));
  if (Buffer.compare(found, bytes.subarray(digestOffset, stateDigestOffset)) !== 0) {
    throw reader.corrupted('the header does not match its SHA-256');
  }
  const state = bytes.subarray(stateStart);
  const sha256 = Buffer.from(bytes.subarray(stateDigestOffset, headerBytes)).toString('hex');
  if (state.length !== reader.number(56) || hashSnapshot(state) !== sha256) {
    throw reader.corrupted('the content does not match its SHA-256');
  }
  reader.assertCluster(clusterId);
  const text = new TextDecoder().decode(bytes.subarray(configurationStart, stateStart));
  const configuration = JSON.parse(text) as ClusterConfiguration;
  const [index, term, totalBytes] = [reader.number(32), reader.number(40), state.length];
  return { meta: { index, term, configuration, totalBytes, sha256 }, bytes: state };
}

function decodeFirstVersion(
  reader: FileReader,
  clusterId: string,
  configuration: ClusterConfiguration,
): Snapshot {
  const { bytes } = reader;
  const content = bytes.subarray(reader.need(firstVersionHeaderBytes));
  const found = digest(bytes.subarray(0, digestOffset), content);
  if (Buffer.compare(found, bytes.subarray(digestOffset, firstVersionHeaderBytes)) !== 0) {
    throw reader.corrupted('the content does not match its SHA-256');
  }
  reader.assertCluster(clusterId);
  const sessionsBytes = reader.number(48);
  const blob = encodeSnapshotBlob({
    sessions: content.subarray(0, sessionsBytes),
    state: content.subarray(sessionsBytes),
  });
  const [index, term, totalBytes] = [reader.number(32), reader.number(40), blob.length];
  return { meta: { index, term, configuration, totalBytes, sha256: hashSnapshot(blob) }, bytes: blob };
}

class FileReader {
  readonly bytes: Uint8Array;
  readonly #path: string;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, path: string) {
    this.bytes = bytes;
    this.#path = path;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  version(): bigint {
    this.need(firstVersionHeaderBytes);
    if (Buffer.compare(magic, this.bytes.subarray(0, 8)) !== 0)
      throw this.corrupted('this is not a snapshot');
    return this.#view.getBigUint64(8, true);
  }

  number(offset: number): number {
    return Number(this.#view.getBigUint64(offset, true));
  }

  /** Returns `length`, which the file has. */
  need(length: number): number {
    if (length <= this.bytes.length) return length;
    throw this.corrupted(`the file has only ${this.bytes.length} bytes`);
  }

  assertCluster(clusterId: string): void {
    if (Buffer.from(this.bytes.subarray(16, 32)).toString('hex') === clusterId) return;
    throw new GradswarmError('conflict', `${this.#path} is of another cluster.`);
  }

  corrupted(reason: string): GradswarmError {
    return new GradswarmError('corrupted', `${this.#path}, offset 0: ${reason}.`);
  }
}

function digest(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const bytes of parts) hash.update(bytes);
  return hash.digest();
}
