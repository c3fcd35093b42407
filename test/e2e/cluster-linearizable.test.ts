import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultName } from '../support/linearizability/faults.ts';
import { tormentCluster } from '../support/linearizability/torment-cluster.ts';
import { LogCluster } from '../support/log-node/log-cluster.ts';
import type { PlantedError } from '../support/log-node/protocol.ts';

const seed = 1;
const pace = { seed, clients: 8, faultMsMin: 1_100, faultMsMax: 1_900, calmMs: 500 };

let cluster: LogCluster;
beforeAll(async () => {
  cluster = await LogCluster.start({
    size: 3,
    seed,
    hasProxies: true,
    // Followers that were away find that the leader's log begins later, and need its snapshot.
    compactEvery: 300,
    trailingEntries: 50,
  });
});
afterAll(() => cluster?.dispose());

describe('three coordinators under kills, stops, partitions, slow and broken links, and slow disks', () => {
  it('are linearizable, and come to one state', async () => {
    const outcome = await tormentCluster(cluster, { ...pace, name: 'good', operationsMin: 5_000 });
    expect(outcome.verdicts, outcome.report).toEqual(['linearizable', 'linearizable']);
    expect(outcome.operations).toBeGreaterThanOrEqual(5_000);
    expect(outcome.unanswered).toBeGreaterThan(0);
    // Leaders were lost, and others were elected.
    expect(outcome.term).toBeGreaterThan(1);
  });
});

describe('a coordinator that is wrong is found out when it', () => {
  it.each<[string, PlantedError, FaultName]>([
    ['reads what it has', 'staleReads', 'a node cut off'],
    ['applies commands twice', 'doubleCommands', 'slow links'],
    ['acknowledges what is not committed', 'earlyAnswers', 'the leader cut off'],
  ])('%s', async (_, planted, fault) => {
    await cluster.configure(cluster.ids, { planted });
    const outcome = await tormentCluster(cluster, {
      ...pace,
      name: planted,
      operationsMin: 500,
      faults: [fault],
    });
    await cluster.configure(cluster.ids, { planted: 'none' });
    expect(outcome.verdicts, outcome.report).toContain('illegal');
  });
});
