import type { IceServer } from '../../../../shared/protocol/ice-server.ts';

/** What is used of the W3C's `RTCPeerConnection`: that of a browser, or of `node-datachannel/polyfill`. */
export type PeerConnection = Pick<
  RTCPeerConnection,
  | 'createDataChannel'
  | 'createOffer'
  | 'createAnswer'
  | 'setLocalDescription'
  | 'setRemoteDescription'
  | 'addIceCandidate'
  | 'close'
  | 'connectionState'
  | 'sctp'
  | 'onicecandidate'
  | 'ondatachannel'
  | 'onconnectionstatechange'
>;

export type OpenPeerConnection = (iceServers: readonly IceServer[]) => PeerConnection;
