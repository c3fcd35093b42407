import { crc32 } from 'node:zlib';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { type BlobHash, isBlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { peerService } from '../../../shared/protocol/peer-services.ts';
import { createRpcServer, type ServedConnection } from '../../../shared/protocol/rpc-server.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { PeerHandlers } from '../../runtime/peers.ts';
import { hashInSlices } from './hash-in-slices.ts';
import { decodeMessage } from './message-codec.ts';
import { createRelayHandlers } from './relay-handlers.ts';

export interface BulkServerOptions {
  readonly ownId: NodeId;
  readonly handlers: Pick<PeerHandlers, 'onMessage' | 'storeBlob' | 'readBlob' | 'relays'>;
  readonly onDefect: (error: unknown, what: string) => void;
}

export interface BulkServer {
  serve(link: Link, from: NodeId): ServedConnection;
}

/** Answers what other coordinators call on their lanes for blobs. */
export function createBulkServer({ ownId, handlers, onDefect }: BulkServerOptions): BulkServer {
  const checkEpoch = createEpochCheck();
  return createRpcServer<typeof peerService, NodeId>(
    peerService,
    {
      storeBlob: {
        payloadBytesMax({ hash, epoch }) {
          hashOf(hash);
          checkEpoch(epoch);
          return limits.payloadBytesMax;
        },
        async answer({ hash, epoch }, { signal }, payload) {
          const actual = await hashInSlices(payload);
          if (signal.aborted) throw new GradswarmError('cancelled', 'the caller gave up');
          if (actual !== hash)
            throw new GradswarmError('hashMismatch', `the bytes are those of the blob ${actual}`);
          // A later leader may have shown itself while the bytes came.
          checkEpoch(epoch);
          handlers.storeBlob(actual, payload, epoch);
          return { message: {} };
        },
      },
      fetchBlob: {
        answer: ({ hash }) => ({ message: {}, payload: handlers.readBlob(hashOf(hash)) }),
      },
      deliverChunk: {
        payloadBytesMax: () => limits.frameHeaderBytesMax + limits.peerMessageBytesMax,
        answer(_, { connection: from }, payload) {
          const message = decodeMessage(payload, from, ownId);
          if (message.kind !== 'snapshotChunk') {
            throw new GradswarmError('malformedFrame', `a message of kind ${message.kind} is no chunk`);
          }
          handlers.onMessage(message);
          return { message: {} };
        },
      },
      ...createRelayHandlers(handlers.relays),
    },
    { checksum: crc32, timers: systemTimers, onDefect },
  );
}

/** Blobs of a deposed leader are refused as soon as a later one has stored any. */
function createEpochCheck(): (epoch: number) => void {
  let highest = 0;
  return (epoch) => {
    if (!Number.isSafeInteger(epoch) || epoch < 0) {
      throw new GradswarmError('badRequest', 'an epoch is a whole number from 0', 'epoch');
    }
    if (epoch < highest) {
      throw new GradswarmError('staleEpoch', `epoch ${epoch} is over: a leader of epoch ${highest} is known`);
    }
    highest = epoch;
  };
}

function hashOf(text: string): BlobHash {
  if (isBlobHash(text)) return text;
  throw new GradswarmError('badRequest', 'a hash has 64 hexadecimal digits', 'hash');
}
