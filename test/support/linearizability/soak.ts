import { parseArgs } from 'node:util';
import { LogCluster } from '../log-node/log-cluster.ts';
import { tormentCluster } from './torment-cluster.ts';

/**
 * `node --import tsx test/support/linearizability/soak.ts --minutes 60 --seed 1 [--size 5]`: one cluster after the
 * other, each with the next seed, under every fault. A seed fixes the faults and what clients ask for, and not the
 * moments at which the processes run. Ends with 1 at the first history that is not linearizable.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    size: { type: 'string', default: '3' },
  },
});
const endMs = performance.now() + Number(values.minutes) * 60_000;
const size = values.size === '5' ? 5 : 3;
let operations = 0;
let seed = Number(values.seed);

while (performance.now() < endMs) {
  const startMs = performance.now();
  const cluster = await LogCluster.start({
    size,
    seed,
    hasProxies: true,
    compactEvery: 300,
    trailingEntries: 50,
  });
  try {
    const outcome = await tormentCluster(cluster, {
      name: 'c',
      seed,
      clients: 8,
      operationsMin: 5_000,
      faultMsMin: 300,
      faultMsMax: 3_000,
      calmMs: 1_500,
    });
    operations += outcome.operations;
    const { verdicts, unanswered, term, report } = outcome;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
    process.stdout.write(
      `seed ${seed}: ${verdicts.join(', ')}; ${outcome.operations} operations, ${unanswered} without an answer, ` +
        `${term} terms, ${seconds} s\n`,
    );
    if (verdicts.some((verdict) => verdict !== 'linearizable')) {
      process.stdout.write(`${report}\n${cluster.errors()}\n`);
      process.exitCode = 1;
      break;
    }
  } finally {
    await cluster.dispose();
  }
  seed += 1;
}
process.stdout.write(`${operations} operations in all\n`);
