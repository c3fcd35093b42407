import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { limits } from '../../../shared/base/limits.ts';
import { freePort } from '../free-port.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { NodeConnection } from './connection.ts';
import { NodeProcess } from './node-process.ts';
import type { NodeSettings, NodeStatus, Reply, Request } from './protocol.ts';

export interface LogClusterOptions {
  readonly size: 1 | 3 | 5;
  readonly seed: number;
  /** Every connection between two nodes goes through a proxy of its own. */
  readonly hasProxies: boolean;
  readonly compactEvery?: number;
  readonly trailingEntries?: number;
}

const askTimeoutMs = 1_000;

/** A cluster of log nodes, each a process with a data folder, and the network between them. */
export class LogCluster {
  readonly folder: string;
  readonly nodes: ReadonlyMap<string, NodeProcess>;
  /** By `from to`: what `from` dials to reach `to`. */
  readonly #proxies: ReadonlyMap<string, TcpProxy>;

  private constructor(
    folder: string,
    nodes: ReadonlyMap<string, NodeProcess>,
    proxies: ReadonlyMap<string, TcpProxy>,
  ) {
    this.folder = folder;
    this.nodes = nodes;
    this.#proxies = proxies;
  }

  static async start(options: LogClusterOptions): Promise<LogCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'gradswarm-log-node-'));
    const ids = ['a', 'b', 'c', 'd', 'e'].slice(0, options.size);
    const ports = new Map<string, number>();
    for (const id of ids) ports.set(id, await freePort());
    const members = Object.fromEntries(ids.map((id) => [id, `127.0.0.1:${ports.get(id)}`]));
    const proxies = new Map<string, TcpProxy>();
    const pairs = options.hasProxies ? ids.flatMap((from) => ids.map((to) => [from, to] as const)) : [];
    for (const [index, [from, to]] of pairs.entries()) {
      if (from === to) continue;
      const target = { host: '127.0.0.1', port: ports.get(to) ?? 0 };
      proxies.set(`${from} ${to}`, await TcpProxy.open({ target, seed: options.seed + index }));
    }
    const addressesOf = (id: string): Record<string, string> =>
      Object.fromEntries(
        [...proxies]
          .filter(([name]) => name.startsWith(`${id} `))
          .map(([name, { port }]) => [name.split(' ')[1] ?? '', `127.0.0.1:${port}`]),
      );
    const nodeOf = (id: string): NodeProcess =>
      new NodeProcess({
        id,
        dataFolder: join(folder, id),
        peerPort: ports.get(id) ?? 0,
        members,
        addresses: addressesOf(id),
        compactEvery: options.compactEvery ?? limits.logEntriesPerSnapshot,
        trailingEntries: options.trailingEntries ?? limits.logTrailingEntries,
        // Members must not draw the same election timeouts again and again.
        seed: undefined,
      });
    const cluster = new LogCluster(folder, new Map(ids.map((id) => [id, nodeOf(id)])), proxies);
    await Promise.all([...cluster.nodes.values()].map((node) => node.start()));
    return cluster;
  }

  get ids(): readonly string[] {
    return [...this.nodes.keys()];
  }

  node(id: string): NodeProcess {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  /** Proxies at which connections of `id` begin or end. */
  proxiesOf(id: string): TcpProxy[] {
    return [...this.#proxies].filter(([name]) => name.split(' ').includes(id)).map(([, proxy]) => proxy);
  }

  get proxies(): readonly TcpProxy[] {
    return [...this.#proxies.values()];
  }

  /** Nothing that `from` sends reaches `to`, whoever made the connection; the other way stays open. */
  cut(from: string, to: string): void {
    this.#proxies.get(`${from} ${to}`)?.setFaults({ isStalled: true }, 'toTarget');
    this.#proxies.get(`${to} ${from}`)?.setFaults({ isStalled: true }, 'toSource');
  }

  heal(): void {
    for (const proxy of this.proxies) proxy.heal();
  }

  /** Undefined when the node does not answer. */
  async status(id: string): Promise<NodeStatus | undefined> {
    const reply = await this.#ask(id, { kind: 'status' });
    return reply?.kind === 'status' ? reply.status : undefined;
  }

  /** A node that does not run keeps no settings either. */
  async configure(ids: readonly string[], settings: Partial<NodeSettings>): Promise<void> {
    await Promise.all(ids.map((id) => this.#ask(id, { kind: 'configure', settings })));
  }

  /** The node that leads in the newest term that any node knows, if there is one. */
  async leader(): Promise<string | undefined> {
    const known = await Promise.all(this.ids.map(async (id) => ({ id, status: await this.status(id) })));
    const terms = known.map(({ status }) => status?.term ?? 0);
    const leading = known.find(
      ({ status }) => status?.role === 'leader' && status.term === Math.max(...terms),
    );
    return leading?.id;
  }

  /** @throws Error with what it wrote, when a node has ended although nobody killed it. */
  assertAlive(): void {
    const failed = [...this.nodes.values()].find(({ hasFailed }) => hasFailed);
    if (failed !== undefined) throw new Error(`node ${failed.id} has failed:\n${failed.errors}`);
  }

  async untilLeader(): Promise<string> {
    for (;;) {
      this.assertAlive();
      const leader = await this.leader();
      if (leader !== undefined) return leader;
      await wait(20);
    }
  }

  /** The one state that every node has come to. @throws Error when they do not within `timeoutMs`. */
  async untilConverged(timeoutMs: number): Promise<NodeStatus> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      this.assertAlive();
      const statuses = await Promise.all(this.ids.map((id) => this.status(id)));
      const [first] = statuses;
      const isSame = statuses.every(
        (status) => status?.appliedIndex === first?.appliedIndex && status?.stateHash === first?.stateHash,
      );
      const isLed = statuses.some((status) => status?.role === 'leader');
      if (first !== undefined && isSame && isLed) return first;
      if (performance.now() > endMs)
        throw new Error(
          `the nodes do not converge: ${JSON.stringify(statuses, undefined, 2)}\n${this.errors()}`,
        );
      await wait(50);
    }
  }

  errors(): string {
    return [...this.nodes.values()].map(({ id, errors }) => `-- ${id}:\n${errors}`).join('\n');
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.kill()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #ask(id: string, request: Request): Promise<Reply | undefined> {
    const { clientPort, isPaused } = this.node(id);
    if (clientPort === undefined || isPaused) return undefined;
    try {
      const connection = await NodeConnection.open(clientPort, askTimeoutMs);
      const reply = await connection.requestWithin(request, askTimeoutMs);
      connection.close();
      return reply;
    } catch {
      return undefined;
    }
  }
}
