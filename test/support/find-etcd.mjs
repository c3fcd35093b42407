// Plain JavaScript on Node's own modules, for `test/run.mjs`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const debianEtcd = '/usr/bin/etcd';

function run(command, commandArguments, folder) {
  return (
    spawnSync(command, commandArguments, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] }).status ===
    0
  );
}

/**
 * Debian's package, unpacked below `cacheFolder`. It is not installed: that would start a service on this machine, now
 * and whenever it boots.
 */
function unpackDebianEtcd(cacheFolder) {
  process.stdout.write('etcd is missing; unpacking the Debian package ...\n');
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-etcd-'));
  try {
    const isRoot = process.getuid?.() === 0;
    if (isRoot && !run('apt-get', ['update', '-qq'], folder)) return false;
    if (!run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', 'etcd-server'], folder))
      return false;
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (archive === undefined) return false;
    mkdirSync(cacheFolder, { recursive: true });
    return run('dpkg-deb', ['--extract', archive, cacheFolder], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Path of an etcd that can run; ends the process with the remedy where none can be had. */
export function findEtcd(projectFolder) {
  const named = process.env['GRADSWARM_TEST_ETCD'];
  if (named !== undefined) {
    if (existsSync(named)) return named;
    process.stderr.write(
      `GRADSWARM_TEST_ETCD names ${named}, which does not exist. Correct it, or unset it.\n`,
    );
    process.exit(1);
  }
  const cacheFolder = join(projectFolder, 'node_modules', '.cache', 'gradswarm-etcd');
  const unpacked = join(cacheFolder, 'usr', 'bin', 'etcd');
  const found = [debianEtcd, unpacked].find((path) => existsSync(path));
  if (found !== undefined) return found;
  if (existsSync('/usr/bin/apt-get') && unpackDebianEtcd(cacheFolder) && existsSync(unpacked))
    return unpacked;
  process.stderr.write(
    'The tests of the log in etcd need etcd, and it could be neither found nor downloaded.\n' +
      'Install it (Debian: apt-get install etcd-server), or set GRADSWARM_TEST_ETCD to its path.\n',
  );
  return process.exit(1);
}
