import { crc32 } from 'node:zlib';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import { peerService } from '../../../shared/protocol/peer-services.ts';
import { createRpcClient, type RpcClient } from '../../../shared/protocol/rpc-client.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { RelayAnswers, RelayBatch, SumRequest } from '../../runtime/edge/relay-messages.ts';
import type { MetPeer } from './dial-peer.ts';
import { createGate } from './gate.ts';
import { hashInSlices } from './hash-in-slices.ts';
import { createPresence } from './presence.ts';
import { createRelayCalls } from './relay-calls.ts';

/** Calls to one coordinator, over whichever connection there is at the moment. */
export interface BulkClient {
  /** Takes the connection over; resolves when it has ended. */
  serve(peer: MetPeer): Promise<unknown>;
  storeBlob(hash: BlobHash, bytes: Uint8Array, epoch: number, signal: AbortSignal): Promise<void>;
  fetchBlob(hash: BlobHash, signal: AbortSignal): Promise<Uint8Array>;
  openRelay(signal: AbortSignal): AsyncIterable<RelayAnswers>;
  relay(batch: RelayBatch, signal: AbortSignal): Promise<void>;
  collectSum(request: SumRequest, signal: AbortSignal): Promise<Uint8Array>;
  /** Dropped without a connection, or when too many are on their way. */
  deliverChunk(frame: Uint8Array): void;
}

/** Blobs, and what the relay has under way, find room beside them. */
const chunksMax = limits.callsPerConnectionMax - limits.peerBlobCallsMax - limits.relayPayloadCallsMax - 2;
const { storeBlob, fetchBlob, deliverChunk } = peerService.method;

export function createBulkClient(id: NodeId): BulkClient {
  const connection = createPresence<RpcClient>();
  const gate = createGate(limits.peerBlobCallsMax, limits.peerBlobCallsWaitingMax);
  let chunks = 0;
  let chunkBytes = 0;

  const call = <Result>(make: (client: RpcClient) => Promise<Result>, signal: AbortSignal): Promise<Result> =>
    gate.run(async () => {
      const client = await connection.wait(signal, limits.peerLaneWaitMs, `node ${id}`);
      return make(client);
    }, signal);

  return {
    serve({ link }) {
      const client = createRpcClient(link, { checksum: crc32, timers: systemTimers });
      connection.set(client);
      return client.closed.then(() => {
        if (connection.current === client) connection.set(undefined);
      });
    },
    async storeBlob(hash, bytes, epoch, signal) {
      const options = { payload: bytes, signal, timeoutMs: limits.peerBlobTimeoutMs };
      await call((client) => client.unary(storeBlob, { hash, epoch }, options), signal).catch(rethrow);
    },
    async fetchBlob(hash, signal) {
      const options = { signal, timeoutMs: limits.peerBlobTimeoutMs };
      const answer = await call((client) => client.unary(fetchBlob, { hash }, options), signal).catch(
        rethrow,
      );
      if ((await hashInSlices(answer.payload)) === hash) return answer.payload;
      throw new GradswarmError('corrupted', `node ${id} sent other bytes for the blob ${hash}`);
    },
    ...createRelayCalls(id, connection),
    deliverChunk(frame) {
      const client = connection.current;
      const isFull = chunks >= chunksMax || chunkBytes + frame.length > limits.peerChunkBytesMax;
      if (!client || isFull) return;
      chunks += 1;
      chunkBytes += frame.length;
      const release = (): void => {
        chunks -= 1;
        chunkBytes -= frame.length;
      };
      // Whether it arrived is told by the follower's answer, as of every message.
      client
        .unary(deliverChunk, {}, { payload: frame, timeoutMs: limits.peerBlobTimeoutMs })
        .then(release, release);
    },
  };
}

/** Whoever asked knows of no connections. */
export function rethrow(error: unknown): never {
  if (error instanceof GradswarmError && error.code === 'connectionLost') {
    throw new GradswarmError('unavailable', error.message);
  }
  throw error;
}
