import { limits } from '../../../shared/base/limits.ts';

/** Of every WebSocket between coordinators, whoever opened it. Gradients hardly shrink under deflate. */
export const socketOptions = {
  perMessageDeflate: false,
  maxPayload: limits.peerFrameBytesMax,
  maxFragments: limits.frameFragmentsMax,
  maxBufferedChunks: limits.webSocketBufferedChunksMax,
} as const;
