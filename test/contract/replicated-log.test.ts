import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleNodeLog } from '../../server/storage/single-node/single-node-log.ts';
import { type LogHarness, replicatedLogContract } from './replicated-log.contract.ts';

async function createHarness(): Promise<LogHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-log-'));
  const trailingEntries = 16;
  const onFatal = (error: Error) => {
    throw error;
  };
  return {
    trailingEntries,
    open: () =>
      SingleNodeLog.open({
        folder,
        clusterId: '0f'.repeat(16),
        onFatal,
        trailingEntries,
        segmentBytes: 4 * 1024 * 1024,
      }),
    dispose: async () => rmSync(folder, { recursive: true }),
  };
}

replicatedLogContract('a single node on disk', createHarness);
