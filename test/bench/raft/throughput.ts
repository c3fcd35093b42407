import { startEtcd } from '../../support/etcd.ts';
import { LogCluster } from '../../support/log-node/log-cluster.ts';
import { type Figure, median, percentile } from '../figure.ts';
import { etcdLeader, etcdProposers, nodeProposers, type OpenProposer, proposalBytes } from './proposers.ts';

interface Measured {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const runs = 3;
const warmUpMs = 1_000;
const windowMs = 4_000;

/** Every client proposes again as soon as its last proposal is committed. */
async function measure(open: OpenProposer, clients: number, name: string): Promise<Measured> {
  const proposers = await Promise.all(
    Array.from({ length: clients }, (_, index) => open(`${name}-${index}`)),
  );
  const latenciesMs: number[] = [];
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + windowMs;
  await Promise.all(
    proposers.map(async (proposer) => {
      for (let sentMs = performance.now(); sentMs < endMs; sentMs = performance.now()) {
        await proposer.propose();
        if (sentMs >= startMs && performance.now() <= endMs) latenciesMs.push(performance.now() - sentMs);
      }
      proposer.close();
    }),
  );
  return {
    perSecond: latenciesMs.length / (windowMs / 1_000),
    medianMs: median(latenciesMs),
    p99Ms: percentile(latenciesMs, 0.99),
  };
}

/** Both clusters are up at once and one of them is asked at a time, in turn. */
export async function throughputFigures(size: 1 | 3, report: (figure: Figure) => void): Promise<void> {
  const cluster = await LogCluster.start({ size, seed: 1, hasProxies: false });
  const etcd = await startEtcd(size);
  try {
    const leader = await cluster.untilLeader();
    const ours = nodeProposers(cluster.node(leader).clientPort ?? 0);
    const theirs = etcdProposers(await etcdLeader(etcd.endpoints));
    for (const clients of [1, 64]) {
      const measured: { readonly ours: Measured; readonly theirs: Measured }[] = [];
      for (let run = 0; run < runs; run++) {
        const name = `${clients}-${run}`;
        measured.push({
          ours: await measure(ours, clients, name),
          theirs: await measure(theirs, clients, name),
        });
      }
      for (const figure of comparison(size, clients, measured)) report(figure);
    }
  } finally {
    await Promise.all([cluster.dispose(), etcd.dispose()]);
  }
}

function comparison(
  size: number,
  clients: number,
  measured: readonly { readonly ours: Measured; readonly theirs: Measured }[],
): Figure[] {
  const about = `${size === 1 ? '1 node' : `${size} nodes`}, ${clients === 1 ? '1 client' : `${clients} clients`}`;
  const conditions = `${proposalBytes}-byte proposals, fsync, all processes on one machine; etcd over its JSON gateway`;
  const figure = (what: string, unit: string, values: readonly number[]): Figure => ({
    suite: 'raft',
    figure: `${about}: ${what}`,
    value: median(values),
    unit,
    runs: values,
    conditions,
  });
  const ratio = figure(
    'committed proposals over those of etcd',
    'ratio',
    measured.map(({ ours, theirs }) => ours.perSecond / theirs.perSecond),
  );
  const target = { kind: 'atLeast', value: 1 } as const;
  return [
    size === 3 && clients === 64 ? { ...ratio, target } : ratio,
    ...(['ours', 'theirs'] as const).flatMap((whose) => {
      const name = whose === 'theirs' ? 'etcd, ' : '';
      const each = (field: keyof Measured): number[] => measured.map((run) => run[whose][field]);
      return [
        figure(`${name}committed proposals`, '/s', each('perSecond')),
        figure(`${name}latency, median`, 'ms', each('medianMs')),
        figure(`${name}latency, 99th percentile`, 'ms', each('p99Ms')),
      ];
    }),
  ];
}
