import type { Peers } from '../peers.ts';

/** For a coordinator that is alone: there is nobody to speak to. */
export const noPeers: Pick<Peers, 'send' | 'setMembers' | 'describe'> = {
  send() {},
  setMembers() {},
  describe: () => undefined,
};
