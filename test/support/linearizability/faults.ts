import type { Random } from '../../../shared/base/random.ts';
import type { LogCluster } from '../log-node/log-cluster.ts';

type End = () => Promise<unknown>;

/** Something that goes wrong for a while: resolves when it has begun, with what ends it. */
type Fault = (cluster: LogCluster, random: Random) => Promise<End>;

function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}

/** The leader as often as not: faults of followers show less. */
async function victim(cluster: LogCluster, random: Random): Promise<string> {
  const leader = await cluster.leader();
  return leader !== undefined && random.unit() < 0.5 ? leader : pick(cluster.ids, random);
}

function others(cluster: LogCluster, id: string): string[] {
  return cluster.ids.filter((other) => other !== id);
}

function isolate(cluster: LogCluster, id: string): void {
  for (const other of others(cluster, id)) {
    cluster.cut(id, other);
    cluster.cut(other, id);
  }
}

function healing(cluster: LogCluster): End {
  return async () => cluster.heal();
}

async function kill(cluster: LogCluster, ids: readonly string[]): Promise<End> {
  await Promise.all(ids.map((id) => cluster.node(id).kill()));
  return () => Promise.all(ids.map((id) => cluster.node(id).start()));
}

/** By name; what they begin, they end. */
export const faults = {
  'SIGKILL of a node': async (cluster, random) => kill(cluster, [await victim(cluster, random)]),
  'SIGKILL of a majority': async (cluster, random) =>
    kill(cluster, others(cluster, pick(cluster.ids, random))),
  'SIGKILL of all nodes': (cluster) => kill(cluster, cluster.ids),
  async 'SIGSTOP of a node'(cluster, random) {
    const node = cluster.node(await victim(cluster, random));
    node.pause();
    return async () => node.resume();
  },
  async 'a node cut off'(cluster, random) {
    isolate(cluster, await victim(cluster, random));
    return healing(cluster);
  },
  async 'the leader cut off'(cluster) {
    isolate(cluster, await cluster.untilLeader());
    return healing(cluster);
  },
  async 'two nodes cut off from one another'(cluster, random) {
    const id = await victim(cluster, random);
    const other = pick(others(cluster, id), random);
    cluster.cut(id, other);
    cluster.cut(other, id);
    return healing(cluster);
  },
  async 'a node that only hears'(cluster, random) {
    const id = await victim(cluster, random);
    for (const other of others(cluster, id)) cluster.cut(id, other);
    return healing(cluster);
  },
  async 'a node that only speaks'(cluster, random) {
    const id = await victim(cluster, random);
    for (const other of others(cluster, id)) cluster.cut(other, id);
    return healing(cluster);
  },
  async 'slow links'(cluster, random) {
    const latencyMs = 5 + random.below(40);
    for (const proxy of cluster.proxies)
      proxy.setFaults({ latencyMs, jitterMs: latencyMs, bytesPerSecond: 200_000 });
    return healing(cluster);
  },
  async 'connections that break'(cluster, random) {
    for (const proxy of cluster.proxies) if (random.unit() < 0.5) proxy.reset();
    return async () => {};
  },
  async 'connections that break for one side'(cluster, random) {
    for (const proxy of cluster.proxies) {
      const chance = random.unit();
      if (chance < 0.6) proxy.halfOpen(chance < 0.3 ? 'source' : 'target');
    }
    return async () => {};
  },
  async 'a node that is refused'(cluster, random) {
    for (const proxy of cluster.proxiesOf(await victim(cluster, random))) {
      proxy.refuse(true);
      proxy.reset();
    }
    return healing(cluster);
  },
  async 'a slow disk'(cluster, random) {
    const ids = random.unit() < 0.3 ? cluster.ids : [await victim(cluster, random)];
    await cluster.configure(ids, { syncDelayMs: 20 + random.below(200) });
    return () => cluster.configure(ids, { syncDelayMs: 0 });
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as FaultName[];
