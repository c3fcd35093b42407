import { Agent, request } from 'node:http';
import { NodeConnection } from '../../support/log-node/connection.ts';

/** One client with one proposal under way: resolves when it is committed. */
export interface Proposer {
  propose(): Promise<void>;
  close(): void;
}

/** Opens a client with a connection of its own. */
export type OpenProposer = (name: string) => Promise<Proposer>;

export const proposalBytes = 256;
const connectTimeoutMs = 5_000;

/** A command of `proposalBytes` bytes as the log stores it. */
export function commandOf(key: string): Uint8Array {
  const empty = JSON.stringify({ kind: 'write', key, value: '' });
  const value = 'v'.repeat(proposalBytes - empty.length);
  return new TextEncoder().encode(JSON.stringify({ kind: 'write', key, value }));
}

/** Binary frames over a WebSocket to the node that leads. */
export function nodeProposers(clientPort: number): OpenProposer {
  return async (name) => {
    const connection = await NodeConnection.open(clientPort, connectTimeoutMs);
    const command = commandOf(name);
    let sequence = 0;
    return {
      async propose() {
        sequence += 1;
        const proposal = { clientId: name, sequence };
        const reply = await connection.request({ kind: 'propose', proposal, command });
        if (reply.kind !== 'applied') throw new Error(`a proposal ended with ${JSON.stringify(reply)}`);
      },
      close: () => connection.close(),
    };
  };
}

/** A put of a value of `proposalBytes` bytes through the JSON gateway of the etcd that leads. */
export function etcdProposers(leaderUrl: string): OpenProposer {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return async (name) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const body = Buffer.from(JSON.stringify({ key: base64(name), value: base64('v'.repeat(proposalBytes)) }));
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    return {
      propose: () =>
        new Promise((resolve, reject) => {
          const sent = request(`${leaderUrl}/v3/kv/put`, { agent, method: 'POST', headers }, (response) => {
            response.resume().on('end', () => {
              if (response.statusCode === 200) resolve();
              else reject(new Error(`etcd answers with ${response.statusCode}`));
            });
          });
          sent.on('error', reject).end(body);
        }),
      close: () => agent.destroy(),
    };
  };
}

interface EtcdStatus {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

export async function etcdLeader(endpoints: readonly string[]): Promise<string> {
  for (const url of endpoints) {
    const response = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' });
    const { header, leader } = (await response.json()) as EtcdStatus;
    if (header.member_id === leader) return url;
  }
  throw new Error('none of the etcd members leads');
}
