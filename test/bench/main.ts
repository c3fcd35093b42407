import { aggregateSuite } from './aggregate-suite.ts';
import { byzantineSuite } from './byzantine-suite.ts';
import { convergenceSuite } from './convergence-suite.ts';
import { type Benchmark, type Figure, figureLine, figureObject, type Suite } from './figure.ts';
import { pageSuite } from './page-suite.ts';
import { raftSuite } from './raft-suite.ts';
import { syncSuite } from './sync-suite.ts';
import { workerSuite } from './worker-suite.ts';

/**
 * `npm run bench -- [SUITE | SUITE/PART ...] [--json]`: measures; never judges a test run. Every comparison is a ratio
 * taken within one run of this command, since the speed of a shared machine drifts.
 */
const suites: Readonly<Record<string, Suite>> = {
  worker: workerSuite,
  aggregate: aggregateSuite,
  page: pageSuite,
  raft: raftSuite,
  sync: syncSuite,
  byzantine: byzantineSuite,
  convergence: convergenceSuite,
};

/** By suite, or by suite and part. */
const benchmarks = new Map<string, readonly Benchmark[]>();
for (const [name, suite] of Object.entries(suites)) {
  if (typeof suite === 'function') {
    benchmarks.set(name, [suite]);
    continue;
  }
  benchmarks.set(name, Object.values(suite));
  for (const [part, benchmark] of Object.entries(suite)) benchmarks.set(`${name}/${part}`, [benchmark]);
}

const usage = `usage: npm run bench -- [NAME ...] [--json]
Without a name every suite runs. Names: ${[...benchmarks.keys()].join(', ')}
`;

const isJson = process.argv.includes('--json');
const named = process.argv.slice(2).filter((argument) => argument !== '--json');
if (named.includes('--help')) {
  process.stdout.write(usage);
  process.exit(0);
}
const unknown = named.filter((name) => !benchmarks.has(name));
if (unknown.length > 0) {
  process.stderr.write(`error: no suite is called ${unknown.join(', ')}\n${usage}`);
  process.exit(2);
}

function report(figure: Figure): void {
  process.stdout.write(`${isJson ? JSON.stringify(figureObject(figure)) : figureLine(figure)}\n`);
}

for (const name of named.length > 0 ? named : Object.keys(suites)) {
  for (const benchmark of benchmarks.get(name) ?? []) await benchmark(report);
}
process.exit(0);
