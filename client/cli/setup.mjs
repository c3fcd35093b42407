// Plain JavaScript on Node's own modules: this runs before any package is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const nodeMajorMin = 20;
const nodeMinorMin = 19;

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
  return existsSync(path) ? statSync(path).mtimeMs : 0;
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

export function installPackages() {
  const installed = modifiedMs(join(projectFolder, 'node_modules', '.package-lock.json'));
  const wanted = modifiedMs(join(projectFolder, 'package-lock.json'));
  if (installed > 0 && installed >= wanted) return;
  say('Installing packages (once, about a minute) ...');
  if (run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']) !== 0) {
    say(
      'The packages could not be installed. Check the network and the npm registry (npm config get registry), then try again.',
    );
    process.exit(1);
  }
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
