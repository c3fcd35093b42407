// Plain JavaScript on Node's own modules: this runs before any package is installed.
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const nodeMajorMin = 20;
const nodeMinorMin = 19;
/** Holds the id of the process that installs packages. */
const installing = join(projectFolder, '.installing');
const pollMs = 300;
/** By then a process that began to install has written its id. */
const beginningMs = 5_000;

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Ends the process with a remedy when Node is too old for the packages. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > nodeMajorMin || (major === nodeMajorMin && minor >= nodeMinorMin)) return;
  say(
    `Gradswarm needs Node ${nodeMajorMin}.${nodeMinorMin} or newer; this is ${process.versions.node}. Install a newer Node and try again.`,
  );
  process.exit(2);
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Newest modification below `folder`, so that a stale build is seen. */
function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestMs(path) : modifiedMs(path));
  }
  return newest;
}

/** Runs a command with its output on stderr, since stdout may be read by a program. */
function run(command, commandArguments) {
  const { status, error } = spawnSync(command, commandArguments, {
    cwd: projectFolder,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  return status ?? 1;
}

/** What needs installing is asked again once another process is done: it may have been the same. */
export function installPackages() {
  let hasSaid = false;
  for (;;) {
    if (arePackagesInstalled()) return;
    if (beginInstalling()) break;
    if (!removeStale() && !hasSaid) {
      say(`Another process installs packages; waiting for it (${installing}).`);
      hasSaid = true;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  }
  // The other one may have finished between the question and the lock.
  if (!arePackagesInstalled()) install();
  rmSync(installing, { force: true });
}

function arePackagesInstalled() {
  const installed = modifiedMs(join(projectFolder, 'node_modules', '.package-lock.json'));
  return installed > 0 && installed >= modifiedMs(join(projectFolder, 'package-lock.json'));
}

/** False while another process installs: `npm ci` begins by removing everything, which two must not do at once. */
function beginInstalling() {
  try {
    writeFileSync(installing, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Whether the lock was that of a process that is no more. In containers the next one often has the same id. */
function removeStale() {
  const processId = readInstaller();
  const isStale = Number.isNaN(processId) ? isAbandoned() : processId === process.pid || !isAlive(processId);
  if (isStale) rmSync(installing, { force: true });
  return isStale;
}

/** Without an id although it is not new: its process ended before it wrote one. What is gone again was not abandoned. */
function isAbandoned() {
  const beganMs = modifiedMs(installing);
  return beganMs > 0 && beganMs < Date.now() - beginningMs;
}

/** NaN when the file is gone again, or not written yet. */
function readInstaller() {
  try {
    return Number.parseInt(readFileSync(installing, 'utf8'), 10);
  } catch {
    return Number.NaN;
  }
}

function isAlive(processId) {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function install() {
  const packages = join(projectFolder, 'node_modules');
  // What is behind a link belongs to another checkout, whose processes would lose their packages.
  if (lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink()) {
    fail(
      `${packages} is a link, and does not fit package-lock.json. Run npm ci where it leads, or remove it.`,
    );
  }
  say('Installing packages (once, about a minute) ...');
  if (run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']) === 0) return;
  fail(
    'The packages could not be installed. Check the network and the npm registry (npm config get registry), then try again.',
  );
}

function fail(message) {
  say(message);
  rmSync(installing, { force: true });
  process.exit(1);
}

export function buildPages() {
  const stamp = join(projectFolder, 'dist', '.built');
  const sources = ['client', 'shared'].map((folder) => newestMs(join(projectFolder, folder)));
  const wanted = Math.max(...sources, modifiedMs(join(projectFolder, 'vite.config.ts')));
  if (modifiedMs(stamp) > wanted) return;
  say('Building the pages ...');
  const vite = join(projectFolder, 'node_modules', 'vite', 'bin', 'vite.js');
  if (run(process.execPath, [vite, 'build', '--logLevel', 'warn']) !== 0) {
    say('The pages could not be built; the messages above say why.');
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
}
