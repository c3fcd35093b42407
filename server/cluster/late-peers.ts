import { GradswarmError } from '../../shared/base/errors.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import type { Peers } from '../runtime/peers.ts';

/** Peers that come later: the log is open before this coordinator knows the address that it tells them. */
export interface LatePeers extends Peers {
  /** Hands over what was said so far; once. */
  arrive(peers: Peers): void;
}

export function createLatePeers(): LatePeers {
  let arrived: Peers | undefined;
  let members: Readonly<Record<NodeId, string>> = {};
  const unavailable = (): GradswarmError =>
    new GradswarmError('unavailable', 'This coordinator does not speak with others yet; try again.');
  return {
    arrive(peers) {
      arrived = peers;
      peers.setMembers(members);
    },
    send(message) {
      arrived?.send(message);
    },
    setMembers(addresses) {
      members = addresses;
      arrived?.setMembers(addresses);
    },
    describe: (id) => arrived?.describe(id),
    storeBlob(...parameters) {
      return arrived?.storeBlob(...parameters) ?? Promise.reject(unavailable());
    },
    fetchBlob(...parameters) {
      return arrived?.fetchBlob(...parameters) ?? Promise.reject(unavailable());
    },
    async *openRelay(...parameters) {
      if (arrived === undefined) throw unavailable();
      yield* arrived.openRelay(...parameters);
    },
    relay(...parameters) {
      return arrived?.relay(...parameters) ?? Promise.reject(unavailable());
    },
    collectSum(...parameters) {
      return arrived?.collectSum(...parameters) ?? Promise.reject(unavailable());
    },
    async close() {
      await arrived?.close();
    },
  };
}
