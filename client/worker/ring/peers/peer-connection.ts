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

export type OpenPeerConnection = (configuration: RTCConfiguration) => PeerConnection;
