import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runGradswarm } from './support/processes.ts';

// The settings of a cluster, as far as a coordinator can tell without one that they are wrong.

interface Case {
  readonly what: string;
  readonly flags: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly field: string;
  readonly says: RegExp;
}

const secret = 'correct horse battery staple and more';
const withSecret: NodeJS.ProcessEnv = { GRADSWARM_CLUSTER_SECRET: secret };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-test-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

const cases: readonly Case[] = [
  {
    what: 'whose peers do not name it',
    flags: ['--id', 'd', '--peers', 'a=h:1,b=h:2,c=h:3'],
    field: '--peers',
    says: /does not name this coordinator; add d=HOST:PORT, or set --id to one of a, b, c/,
  },
  {
    what: 'whose peers share a name',
    flags: ['--id', 'a', '--peers', 'a=h:1,a=h:2'],
    field: '--peers',
    says: /a is named twice/,
  },
  {
    what: 'whose peers share an address',
    flags: ['--id', 'a', '--peers', 'a=h:1,b=h:1'],
    field: '--peers',
    says: /a and b have the same address h:1/,
  },
  {
    what: 'with a peer without a port',
    flags: ['--id', 'a', '--peers', 'a=h:1,b=h'],
    field: '--peers',
    says: /b needs an address, as in b=10\.0\.0\.5:7177, not "h"/,
  },
  {
    what: 'without a secret',
    flags: ['--id', 'a', '--peers', 'a=h:1,b=h:2,c=h:3'],
    environment: { GRADSWARM_CLUSTER_SECRET: undefined },
    field: '--cluster-secret-file',
    says: /openssl rand -hex 32.*--peer-tls-cert/,
  },
  {
    what: 'with a secret that can be guessed',
    flags: ['--id', 'a', '--peers', 'a=h:1,b=h:2,c=h:3'],
    environment: { GRADSWARM_CLUSTER_SECRET: 'hunter2' },
    field: 'GRADSWARM_CLUSTER_SECRET',
    says: /^(?!.*hunter2).*at least 32 characters/,
  },
  {
    what: 'with two secrets',
    flags: ['--id', 'a', '--peers', 'a=h:1,b=h:2', '--cluster-secret-file', 'none'],
    field: '--cluster-secret-file',
    says: /^(?!.*correct horse).*are both set; give one of them/,
  },
  {
    what: 'whose name has a capital',
    flags: ['--id', 'Alpha'],
    field: '--id',
    says: /a-z, 0-9 and "-", not "Alpha"/,
  },
  {
    what: 'that joins without a listener for peers',
    flags: ['--id', 'd', '--join', '10.0.0.1:7177'],
    field: '--peer-listen',
    says: /is needed with --join/,
  },
  {
    what: 'with etcd and peers at once',
    flags: ['--id', 'a', '--peers', 'a=h:1', '--consensus', 'etcd', '--etcd', 'http://h:2379'],
    field: '--peers',
    says: /is for --consensus raft.*leave it out/,
  },
  {
    what: 'with etcd that has no address',
    flags: ['--consensus', 'etcd'],
    field: '--etcd',
    says: /is needed with --consensus etcd, such as http:\/\/127\.0\.0\.1:2379/,
  },
  {
    what: 'that listens at what is no address',
    flags: ['--listen', '7077'],
    field: '--listen',
    says: /must be HOST:PORT, such as 0\.0\.0\.0:7077, not "7077"/,
  },
  {
    what: 'that listens at two addresses',
    flags: ['--listen', '127.0.0.1:7077', '--port', '7078'],
    field: '--listen',
    says: /stands for --host and --port/,
  },
];

describe('a coordinator', () => {
  const rows = cases.map((row) => [row.what, row] as const);
  it.concurrent.each(rows)('%s', async (_, { flags, environment, field, says }) => {
    const { code, stderr, lines } = await runGradswarm(
      ['coordinator', '--data', join(folder, 'data'), ...flags, '--json'],
      { ...withSecret, ...environment },
    );
    expect(lines).toEqual([]);
    // Lines about pages that are built come before it.
    const last = stderr.trim().split('\n').at(-1) ?? '';
    const { error } = JSON.parse(last) as { readonly error: Readonly<Record<string, string>> };
    expect(error).toMatchObject({ code: 'badRequest', field });
    expect(error['message']).toMatch(says);
    expect(code).toBe(2);
  });
});
