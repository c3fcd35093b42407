import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfiguration } from '../../../../server/http/configuration.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

const secret = '0123456789abcdef0123456789abcdef';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-cluster-'));
  writeFileSync(join(folder, 'secret'), `${secret}\n`);
  writeFileSync(join(folder, 'short'), 'hunter2');
  writeFileSync(join(folder, 'empty'), ' \n');
});
afterEach(() => rmSync(folder, { recursive: true }));

type Flags = Readonly<Record<string, string | boolean>>;

const load = (flags: Flags, environment: Record<string, string> = {}) =>
  loadConfiguration({ workingFolder: folder, environment, flags });

function refusal(flags: Flags, environment: Record<string, string> = {}): string {
  try {
    load(flags, environment);
  } catch (error) {
    if (error instanceof GradswarmError) return `${error.code} ${error.field}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const three = 'a=10.0.0.1:7177, b=10.0.0.2:7177,c=[::1]:7177';

test('a member of three listens where the others look for it', () => {
  expect(load({ id: 'b', peers: three, clusterSecretFile: 'secret' })).toMatchObject({
    id: 'b',
    peers: { a: '10.0.0.1:7177', b: '10.0.0.2:7177', c: '[::1]:7177' },
    peerListen: '10.0.0.2:7177',
    clusterSecret: secret,
  });
  const behindNat = load({ id: 'b', peers: three, clusterSecretFile: 'secret', peerListen: '0.0.0.0:7177' });
  expect(behindNat.peerListen).toBe('0.0.0.0:7177');
});

test('a file of settings may name peers as an object, and the environment the secret', () => {
  const peers = { a: 'a.test:1', b: 'b.test:1' };
  writeFileSync(join(folder, 'gradswarm.config.json'), JSON.stringify({ id: 'a', peers }));
  const configuration = load({}, { GRADSWARM_CLUSTER_SECRET: secret });
  expect(configuration).toMatchObject({ peers, peerListen: 'a.test:1', clusterSecret: secret });
});

test('one that is added later, and one on etcd', () => {
  const joining = {
    id: 'd',
    join: '10.0.0.1:7177',
    peerListen: '10.0.0.4:7177',
    clusterSecretFile: 'secret',
  };
  expect(load(joining)).toMatchObject({ join: '10.0.0.1:7177', peers: {} });
  const etcd = 'http://127.0.0.1:2379, https://etcd.test';
  const listening = { peerListen: '10.0.0.4:7177', clusterSecretFile: 'secret' };
  expect(load({ consensus: 'etcd', etcd, ...listening, advertise: 'https://a.test:7077' })).toMatchObject({
    etcd: ['http://127.0.0.1:2379/', 'https://etcd.test/'],
    advertise: 'https://a.test:7077/',
    etcdPrefix: '/gradswarm/',
  });
});

const members = { id: 'a', peers: three, clusterSecretFile: 'secret' };
test.each<[string, Flags, string]>([
  [
    'a name in capitals',
    { id: 'Main' },
    '--id: must be 1 to 32 of the characters a-z, 0-9 and "-", not "Main"',
  ],
  ['a name too long', { id: 'x'.repeat(33) }, '--id: must be 1 to 32'],
  [
    'peers without this one',
    { ...members, id: 'd' },
    '--peers: does not name this coordinator; add d=HOST:PORT',
  ],
  ['peers that leave the name at its default', { peers: three }, 'or set --id to one of a, b, c'],
  ['a name twice', { ...members, peers: 'a=h:1,a=h:2' }, '--peers: a is named twice'],
  ['an address twice', { ...members, peers: 'a=h:1,b=h:1' }, '--peers: a and b have the same address h:1'],
  [
    'a peer without address',
    { ...members, peers: 'a' },
    '--peers: a needs an address, as in a=10.0.0.5:7177',
  ],
  ['a peer at port 0', { ...members, peers: 'a=h:0' }, '--peers: a needs an address'],
  ['a bad name of a peer', { ...members, peers: 'a b=h:1' }, 'a coordinator is named by 1 to 32'],
  [
    'too many peers',
    { ...members, peers: Array.from({ length: 10 }, (_, index) => `n${index}=h:${index + 1}`).join(',') },
    '--peers: a cluster begins with at most 9',
  ],
  [
    'peers without a secret',
    { id: 'a', peers: three },
    '--cluster-secret-file: is missing: coordinators must',
  ],
  ['a listener without a secret', { peerListen: 'h:1' }, 'openssl rand -hex 32'],
  [
    'half a certificate',
    { id: 'a', peers: three, peerTlsKey: 'k' },
    '--peer-tls-cert: is needed with --peer-tls-key',
  ],
  ['a secret that is too short', { ...members, clusterSecretFile: 'short' }, 'has at least 32 characters'],
  ['an empty secret', { ...members, clusterSecretFile: 'empty' }, 'is empty; write one'],
  ['a secret file that is missing', { ...members, clusterSecretFile: 'none' }, 'none cannot be read: ENOENT'],
  [
    'a secret on the command line',
    { clusterSecret: secret },
    'clusterSecret: a secret comes neither from a flag',
  ],
  ['joining without a listener', { join: '10.0.0.1:7177' }, '--peer-listen: is needed with --join'],
  [
    'joining with peers',
    { ...members, join: '10.0.0.1:7177' },
    '--join: is for a coordinator that is added later',
  ],
  ['etcd without its address', { consensus: 'etcd' }, '--etcd: is needed with --consensus etcd'],
  [
    'etcd without a listener for the others',
    { consensus: 'etcd', etcd: 'http://e:1' },
    '--peer-listen: is needed with --consensus etcd',
  ],
  ['an address of etcd without etcd', { etcd: 'http://e:2379' }, '--etcd: is for --consensus etcd'],
  [
    'an address of etcd that is none',
    { consensus: 'etcd', etcd: 'e:2379' },
    '--etcd: must be addresses such as',
  ],
  [
    'etcd together with peers',
    { ...members, consensus: 'etcd', etcd: 'http://e:1' },
    '--peers: is for --consensus raft',
  ],
  [
    'etcd together with join',
    {
      join: '10.0.0.1:7177',
      peerListen: 'h:1',
      clusterSecretFile: 'secret',
      consensus: 'etcd',
      etcd: 'http://e:1',
    },
    '--join: is for --consensus raft',
  ],
  [
    'a prefix without slashes',
    { consensus: 'etcd', etcd: 'http://e:1', etcdPrefix: 'x' },
    '--etcd-prefix: must begin and end with a slash',
  ],
  ['another consensus', { consensus: 'paxos' }, '--consensus: must be one of raft, etcd, not "paxos"'],
  ['a listener that is no address', { peerListen: '7177' }, '--peer-listen: must be HOST:PORT'],
  [
    'an advertised name',
    { advertise: 'a.test:7077' },
    '--advertise: must be an address such as https://a.example.org:7077',
  ],
])('%s is refused with the remedy', (_name, flags, expected) => {
  expect(refusal(flags)).toContain(`badRequest `);
  expect(refusal(flags)).toContain(expected);
});

test('no message has the secret in it', () => {
  const environment = { GRADSWARM_CLUSTER_SECRET: 'too-short-secret' };
  expect(refusal({}, environment)).toContain('GRADSWARM_CLUSTER_SECRET: the cluster');
  expect(refusal({}, environment)).not.toContain('too-short-secret');
  expect(refusal({ clusterSecret: secret })).not.toContain(secret);
  expect(refusal({ ...members, clusterSecretFile: 'short' })).not.toContain('hunter2');
  const both = refusal(members, { GRADSWARM_CLUSTER_SECRET: secret });
  expect(both).toContain('--cluster-secret-file: and GRADSWARM_CLUSTER_SECRET are both set');
});
