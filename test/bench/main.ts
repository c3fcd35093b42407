import { aggregateSuite } from './aggregate-suite.ts';
import { convergenceSuite } from './convergence-suite.ts';
import { type Figure, figureLine, figureObject, type Suite } from './figure.ts';
import { pageSuite } from './page-suite.ts';
import { raftSuite } from './raft-suite.ts';
import { syncSuite } from './sync-suite.ts';
import { workerSuite } from './worker-suite.ts';

/**
 * `npm run bench -- [SUITE ...] [--json]`: measures; never judges a test run. Every comparison is a ratio taken within
 * one run of this command, since the speed of a shared machine drifts.
 */
const suites: Readonly<Record<string, Suite>> = {
  worker: workerSuite,
  aggregate: aggregateSuite,
  page: pageSuite,
  raft: raftSuite,
  sync: syncSuite,
  convergence: convergenceSuite,
};

const isJson = process.argv.includes('--json');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = named.filter((name) => suites[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `error: unknown suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}\n`,
  );
  process.exit(2);
}

function report(figure: Figure): void {
  process.stdout.write(`${isJson ? JSON.stringify(figureObject(figure)) : figureLine(figure)}\n`);
}

for (const [name, suite] of Object.entries(suites)) {
  if (named.length === 0 || named.includes(name)) await suite(report);
}
process.exit(0);
