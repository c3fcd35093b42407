// `npm test`: installs what is missing, finds Chromium and etcd, then runs every check in turn and stops at the first failure.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildPages, installPackages, projectFolder, requireNode } from '../client/cli/setup.mjs';
import { findEtcd } from './support/find-etcd.mjs';

const debianChromium = '/usr/bin/chromium';

function run(command, commandArguments, environment = {}) {
  const { status, signal } = spawnSync(command, commandArguments, {
    cwd: projectFolder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  return signal ? 1 : (status ?? 1);
}

function step(title, command, commandArguments, environment) {
  const started = Date.now();
  process.stdout.write(`\n== ${title}\n`);
  const status = run(command, commandArguments, environment);
  process.stdout.write(
    `== ${title}: ${status === 0 ? 'passed' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(1)} s\n`,
  );
  if (status !== 0) process.exit(1);
}

function installDebianChromium() {
  process.stdout.write('Chromium is missing; installing the Debian package ...\n');
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  return (
    run('apt-get', ['update', '-qq'], quiet) === 0 &&
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], quiet) === 0 &&
    existsSync(debianChromium)
  );
}

async function playwrightChromium() {
  const { chromium } = await import('playwright');
  if (!existsSync(chromium.executablePath())) {
    process.stdout.write("Chromium is missing; downloading Playwright's build ...\n");
    run(process.execPath, [
      join(projectFolder, 'node_modules', 'playwright', 'cli.js'),
      'install',
      'chromium',
    ]);
  }
  return existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined;
}

/** Path of a Chromium that can run; ends the run with the remedy where none can be had. */
async function findChromium() {
  const named = process.env['GRADSWARM_CHROMIUM'];
  if (named !== undefined) {
    if (existsSync(named)) return named;
    process.stderr.write(
      `GRADSWARM_CHROMIUM names ${named}, which does not exist. Correct it, or unset it.\n`,
    );
    process.exit(1);
  }
  if (existsSync(debianChromium)) return debianChromium;
  const isDebianRoot = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (isDebianRoot && installDebianChromium()) return debianChromium;
  const downloaded = isDebianRoot ? undefined : await playwrightChromium();
  if (downloaded !== undefined) return downloaded;
  process.stderr.write(
    'The browser tests need Chromium, and it could be neither found nor installed.\n' +
      'Install it (Debian: apt-get install chromium), or set GRADSWARM_CHROMIUM to its path.\n',
  );
  return process.exit(1);
}

function bin(name, script) {
  return join(projectFolder, 'node_modules', name, script);
}

requireNode();
installPackages();
const chromium = await findChromium();
const environment = {
  GRADSWARM_CHROMIUM: chromium,
  GRADSWARM_TEST_ETCD: findEtcd(projectFolder),
  CI: process.env['CI'] ?? 'true',
};
const node = process.execPath;
const vitest = bin('vitest', 'vitest.mjs');

step('types', node, [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.json']);
step('types of the pure zones', node, [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.pure.json']);
step('lint and format', node, [bin('@biomejs/biome', 'bin/biome'), 'check', '--error-on-warnings', '.']);
step('protocol lint', node, [bin('@bufbuild/buf', 'bin/buf'), 'lint']);
step(
  'unit, property, contract and simulation tests',
  node,
  // Also the last core: nothing else runs meanwhile.
  [vitest, 'run', '--project', 'unit', '--maxWorkers=100%'],
  environment,
);
step('browser tests on WebGPU', node, [vitest, 'run', '--project', 'browser'], environment);
buildPages();
// Coordinators that elect a leader need their processors, and come one file after the other; the others share them.
const clusters = ['cluster-', 'edge-', 'ring', 'coordinator-killed'].map((name) => `test/e2e/${name}`);
const others = clusters.flatMap((path) => ['--exclude', `${path}*`]);
const endToEnd = [vitest, 'run', '--project', 'e2e'];
step('end-to-end tests', node, [...endToEnd, '--maxWorkers=100%', ...others], environment);
step('end-to-end tests of clusters', node, [...endToEnd, '--maxWorkers=1', ...clusters], environment);
process.stdout.write('\nAll checks passed.\n');
