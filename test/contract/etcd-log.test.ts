import { afterAll, beforeAll, describe } from 'vitest';
import { type EtcdCluster, startEtcd } from '../support/etcd.ts';
import { freshPrefix, openEtcdLog, untilLeading } from '../support/etcd-logs.ts';
import { type LogHarness, replicatedLogContract } from './replicated-log.contract.ts';

const startTimeoutMs = 90_000;

describe.each([1, 3])('%i', (size) => {
  let etcd: EtcdCluster;
  beforeAll(async () => {
    etcd = await startEtcd(size);
  }, startTimeoutMs);
  afterAll(() => etcd.dispose());

  async function createHarness(): Promise<LogHarness> {
    const prefix = freshPrefix();
    const trailingEntries = 16;
    return {
      trailingEntries,
      async open() {
        const log = await openEtcdLog({ endpoints: etcd.endpoints, prefix, trailingEntries });
        await untilLeading(log);
        return log;
      },
      dispose: async () => {},
    };
  }

  replicatedLogContract(`etcd of ${size}`, createHarness);
});
