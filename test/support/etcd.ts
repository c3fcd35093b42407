import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** One member of an etcd cluster, as a process of its own. */
export interface EtcdNode {
  /** Where clients reach it. */
  readonly url: string;
  /** Starts it on what it stored before; resolves at once. */
  start(): void;
  /** To a running process. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface EtcdCluster {
  readonly nodes: readonly EtcdNode[];
  readonly endpoints: readonly string[];
  /** Resolves when every running node answers. */
  ready(): Promise<void>;
  /** Kills every node and removes what they stored. */
  dispose(): Promise<void>;
}

/** Found by `npm test`, which passes it on; else where it is on Debian, or where `npm test` put it. */
function etcdPath(): string {
  const unpacked = join(import.meta.dirname, '..', '..', 'node_modules/.cache/gradswarm-etcd/usr/bin/etcd');
  const found = [process.env['GRADSWARM_TEST_ETCD'] ?? '', '/usr/bin/etcd', unpacked].find((path) =>
    existsSync(path),
  );
  if (found !== undefined) return found;
  throw new Error('etcd is missing. Run npm test, which finds it, or set GRADSWARM_TEST_ETCD to its path.');
}

/**
 * `cat` waits for the end of stdin, which comes when this process ends, however it does: then etcd is killed. The shell
 * becomes etcd, so its process id is etcd's.
 */
const boundToThisProcess =
  'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$) >/dev/null 2>&1 & exec "$0" "$@" 3<&- </dev/null';

function createNode(
  url: string,
  commandArguments: readonly string[],
): EtcdNode & { readonly log: () => string } {
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let log = '';
  return {
    url,
    log: () => log,
    start() {
      const started = spawn('/bin/sh', ['-c', boundToThisProcess, etcdPath(), ...commandArguments], {
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      started.stderr.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-20_000);
      });
      ended = new Promise((resolve) => started.once('exit', () => resolve()));
      child = started;
    },
    signal(name) {
      child?.kill(name);
    },
    async kill() {
      child?.kill('SIGKILL');
      await ended;
      child?.stdin?.destroy();
      child = undefined;
    },
  };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return response.ok && (await response.text()).includes('"true"');
  } catch {
    return false;
  }
}

/** Starts an etcd of `size` members on loopback. `extra` are arguments for each. */
export async function startEtcd(size: number, extra: readonly string[] = []): Promise<EtcdCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-etcd-'));
  const members: { readonly name: string; readonly client: string; readonly peer: string }[] = [];
  for (let number = 1; number <= size; number++) {
    const [client, peer] = [await freePort(), await freePort()];
    const name = `n${number}`;
    members.push({ name, client: `http://127.0.0.1:${client}`, peer: `http://127.0.0.1:${peer}` });
  }
  const initialCluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const nodes = members.map(({ name, client, peer }) =>
    createNode(client, [
      ...['--name', name, '--data-dir', join(folder, name), '--log-level', 'error'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', initialCluster, '--initial-cluster-token', folder],
      ...['--pre-vote=true', '--heartbeat-interval', '50', '--election-timeout', '500'],
      ...extra,
    ]),
  );
  const cluster: EtcdCluster = {
    nodes,
    endpoints: nodes.map(({ url }) => url),
    async ready() {
      const deadline = AbortSignal.timeout(60_000);
      while (!(await Promise.all(nodes.map(({ url }) => isHealthy(url)))).every(Boolean)) {
        if (deadline.aborted)
          throw new Error(`etcd does not start:\n${nodes.map(({ log }) => log()).join('\n')}`);
        await wait(50);
      }
    },
    async dispose() {
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const node of nodes) node.start();
  await cluster.ready();
  return cluster;
}
