import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../../shared/base/random.ts';
import { NodeConnection } from './connection.ts';
import type { Command, CommandResult, Query, QueryResult } from './key-value-state.ts';
import type { LogCluster } from './log-cluster.ts';
import type { Reply, Request } from './protocol.ts';

export interface Patience {
  /** How long one node has to answer. */
  readonly attemptMs: number;
  readonly attemptsMax: number;
}

const pauseMsMax = 40;

/** A client that keeps to the leader, and asks again, under the same number, until it hears the outcome. */
export class LogSession {
  readonly clientId: string;
  readonly #cluster: LogCluster;
  readonly #random: Random;
  readonly #connections = new Map<string, { readonly port: number; readonly connection: NodeConnection }>();
  #target: string;
  #sequence = 0;

  constructor(cluster: LogCluster, clientId: string, random: Random) {
    this.clientId = clientId;
    this.#cluster = cluster;
    this.#random = random;
    this.#target = this.#anyNode();
  }

  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** Undefined when patience ended: the command may have been applied, or may be later. */
  async execute(command: Command, patience: Patience): Promise<CommandResult | undefined> {
    this.#sequence += 1;
    const proposal = { clientId: this.clientId, sequence: this.#sequence };
    const bytes = new TextEncoder().encode(JSON.stringify(command));
    const reply = await this.#ask({ kind: 'propose', proposal, command: bytes }, patience);
    return reply?.kind === 'applied' ? reply.result : undefined;
  }

  /** Of the node that `from` names, or of the leader. */
  async read(query: Query, patience: Patience, from?: string): Promise<QueryResult | undefined> {
    if (from !== undefined) this.#target = from;
    const reply = await this.#ask({ kind: 'query', query }, patience);
    return reply?.kind === 'read' ? reply.result : undefined;
  }

  close(): void {
    for (const { connection } of this.#connections.values()) connection.close();
  }

  async #ask(request: Request, { attemptMs, attemptsMax }: Patience): Promise<Reply | undefined> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      this.#cluster.assertAlive();
      const reply = await this.#attempt(request, attemptMs);
      if (reply.kind !== 'notLeader' && reply.kind !== 'unknown') return reply;
      const known = reply.kind === 'notLeader' ? reply.leader : undefined;
      this.#target = known ?? this.#anyNode();
      if (known === undefined || attempt > 0) await wait(this.#random.unit() * pauseMsMax);
    }
    return undefined;
  }

  async #attempt(request: Request, attemptMs: number): Promise<Reply> {
    const port = this.#cluster.node(this.#target).clientPort;
    if (port === undefined) return { kind: 'unknown', reason: 'the node does not run' };
    try {
      const connection = await this.#connect(port, attemptMs);
      const reply = await connection.requestWithin(request, attemptMs);
      return reply;
    } catch (error) {
      return { kind: 'unknown', reason: String(error) };
    }
  }

  async #connect(port: number, timeoutMs: number): Promise<NodeConnection> {
    const known = this.#connections.get(this.#target);
    if (known?.port === port && known.connection.isOpen) return known.connection;
    known?.connection.close();
    const connection = await NodeConnection.open(port, timeoutMs);
    this.#connections.set(this.#target, { port, connection });
    return connection;
  }

  #anyNode(): string {
    const { ids } = this.#cluster;
    return ids[this.#random.below(ids.length)] ?? '';
  }
}
