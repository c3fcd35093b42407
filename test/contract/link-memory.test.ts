import { createLinkPair } from '../../shared/protocol/memory-link.ts';
import { describeLink } from './link.contract.ts';

describeLink('a pair in memory', async () => {
  const [client, server] = createLinkPair();
  return { client, server, release: async () => {} };
});
