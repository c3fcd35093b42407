import { describe, expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { ringHeaderBytes } from '../../../../shared/sync/ring/ring-message.ts';
import { gridWeightMax } from '../../../../shared/tensor/grid.ts';
import { packedBytesMax } from '../../../../shared/tensor/packed-sums.ts';

/** What must hold between limits for the parts to fit together; each row says why. */
const relations: readonly (readonly [string, number, number])[] = [
  [
    'a frame holds its header, padding and one chunk',
    limits.frameHeaderBytesMax + limits.frameChunkBytesMax,
    limits.frameBytesMax,
  ],
  [
    'a job document fits into a frame header beside a data set manifest',
    limits.jobDocumentBytesMax + limits.datasetManifestBytesMax,
    limits.frameHeaderBytesMax,
  ],
  [
    'and both into one command of the log',
    limits.jobDocumentBytesMax + limits.datasetManifestBytesMax,
    limits.commandBytesMax,
  ],
  ['a command fits into a batch', limits.commandBytesMax, limits.logBatchBytesMax],
  ['a batch fits into a segment', limits.logBatchBytesMax, limits.logSegmentBytesMax],
  [
    'a follower misses several heartbeats before it campaigns',
    4 * limits.raftHeartbeatTicks,
    limits.raftElectionTicks,
  ],
  [
    'ticks that are made up for are no election timeout',
    2 * limits.raftTicksAtOnceMax,
    limits.raftElectionTicks,
  ],
  [
    'entries fit into a message between coordinators',
    3 * limits.raftAppendBytesMax,
    limits.peerMessageBytesMax,
  ],
  ['and so does the largest command', limits.commandBytesMax, limits.peerMessageBytesMax],
  [
    'what is on its way to a follower may wait for it',
    limits.raftInflightBytesMax,
    limits.peerBufferedBytesMax,
  ],
  ['a command fits into a value of etcd', limits.commandBytesMax, limits.etcdValueBytesMax],
  [
    'a value of etcd fits into a request with its keys',
    limits.etcdValueBytesMax + limits.etcdKeysBytesMax,
    limits.etcdRequestBytesMax,
  ],
  [
    'an answer of etcd holds a page of values in base64',
    ((limits.etcdValueBytesMax + limits.etcdKeysBytesMax) * limits.etcdPageValuesMax * 4) / 3,
    limits.etcdResponseBytesMax,
  ],
  [
    'etcd hears of a leader several times in a lease',
    3 * limits.etcdLeaseMarginMs,
    limits.etcdLeaseSecondsMin * 1_000,
  ],
  ['the lease of etcd is in bounds', limits.etcdLeaseSecondsMin, limits.etcdLeaseSeconds],
  ['the lease of etcd is in bounds, up to the last', limits.etcdLeaseSeconds, limits.etcdLeaseSecondsMax],
  [
    'the largest model fits into one payload, as a blob',
    4 * limits.parametersMax + limits.vectorSealBytes,
    limits.payloadBytesMax,
  ],
  [
    'one connection may receive one payload',
    limits.payloadBytesMax,
    limits.pendingPayloadBytesPerConnectionMax,
  ],
  [
    'all connections together may receive one',
    limits.pendingPayloadBytesPerConnectionMax,
    limits.pendingPayloadBytesMax,
  ],
  ['a payload may wait for the reducer', limits.payloadBytesMax, limits.reducerQueueBytesMax],
  ['a shard fits into one payload', limits.shardBytesMax, limits.payloadBytesMax],
  ['shards are aimed below their bound', limits.shardBytesTarget, limits.shardBytesMax],
  ['the units of a round add up on the grid', limits.unitsPerRoundMax, gridWeightMax],
  ['a missed heartbeat is not yet silence', 2 * limits.heartbeatIntervalMs, limits.workerTimeoutMs],
  ['a connection outlives the longest unit', limits.leaseTimeoutMsMax, limits.pongTimeoutMs],
  ['lease bounds are in order', limits.leaseTimeoutMsMin, limits.leaseTimeoutMsFirst],
  ['lease bounds are in order, up to the last', limits.leaseTimeoutMsFirst, limits.leaseTimeoutMsMax],
  [
    'a command fits into one message between coordinators',
    limits.commandBytesMax,
    limits.peerMessageBytesMax,
  ],
  [
    'a sealed message of Raft fits into a frame',
    limits.frameHeaderBytesMax + limits.peerMessageBytesMax + 64,
    limits.peerFrameBytesMax,
  ],
  ['a sealed frame of a call fits as well', limits.frameBytesMax + 64, limits.peerFrameBytesMax],
  ['a message may wait for its coordinator', limits.peerFrameBytesMax, limits.peerBufferedBytesMax / 2],
  ['a twin is found out within a handshake', limits.peerProbeTimeoutMs, limits.peerHandshakeTimeoutMs],
  [
    'delays between coordinators are in order',
    limits.peerReconnectDelayMsMin,
    limits.peerReconnectDelayMsMax,
  ],
  ['every worker may be connected', limits.workersMax, limits.connectionsMax],
  ['reconnection delays are in order', limits.reconnectDelayMsMin, limits.reconnectDelayMsMax],
  [
    'uploads of a worker and its other calls fit into a connection',
    limits.uploadsPerWorkerMax + limits.leasesPerWorkerMax,
    limits.callsPerConnectionMax,
  ],
  [
    'a segment of a ring fits into one message',
    ringHeaderBytes + packedBytesMax(limits.ringSegmentValues),
    limits.ringMessageBytesMax,
  ],
  ['a message of a ring is none that SCTP need not take (RFC 8841)', limits.ringMessageBytesMax, 65_536],
  [
    'a ring without a way begins anew before anyone loses patience with it',
    limits.ringConnectTimeoutMs,
    0.7 * (limits.ringConnectTimeoutMs + limits.ringTimeoutMsMin),
  ],
];

describe('limits', () => {
  it.each(relations)('%s', (_, smaller, larger) => {
    expect(smaller).toBeLessThanOrEqual(larger);
  });
});
