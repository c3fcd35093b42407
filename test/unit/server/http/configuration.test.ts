import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfiguration } from '../../../../server/http/configuration.ts';
import {
  configurationSchema,
  environmentName,
  flagName,
  type Setting,
  settingNames,
} from '../../../../server/http/configuration-schema.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-configuration-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Given {
  readonly file?: string | object;
  readonly environment?: Record<string, string>;
  readonly flags?: Record<string, unknown>;
}

function load({ file, environment = {}, flags = {} }: Given) {
  if (file !== undefined) {
    const text = typeof file === 'string' ? file : JSON.stringify(file);
    writeFileSync(join(folder, 'gradswarm.config.json'), text);
  }
  return loadConfiguration({ workingFolder: folder, environment, flags });
}

function refusal(given: Given): string {
  try {
    load(given);
  } catch (error) {
    if (error instanceof GradswarmError) return `${error.code} ${error.field}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

test('the defaults listen on this machine only', () => {
  expect(load({})).toEqual({
    iceServers: [],
    host: '127.0.0.1',
    port: 7077,
    data: join(folder, 'data'),
    tls: 'off',
    tlsCert: '',
    tlsKey: '',
    allowedOrigins: [],
    trustProxy: false,
    logLevel: 'info',
    aggregators: {},
    id: 'main',
    advertise: '',
    peerListen: '',
    peers: {},
    join: '',
    edge: true,
    clusterSecretFile: '',
    clusterSecret: '',
    peerTlsCert: '',
    peerTlsKey: '',
    peerTlsCa: '',
    consensus: 'raft',
    etcd: [],
    etcdPrefix: '/gradswarm/',
  });
});

test('flags come before the environment, it before the file, and that before the defaults', () => {
  const file = { port: 1, logLevel: 'warn', host: '0.0.0.0', data: 'store' };
  const environment = {
    GRADSWARM_PORT: '2',
    GRADSWARM_LOG_LEVEL: 'error',
    GRADSWARM_ALLOWED_ORIGINS: 'https://a.b, http://c',
  };
  const configuration = load({ file, environment, flags: { port: '3', trustProxy: true, host: undefined } });
  expect(configuration).toMatchObject({
    port: 3,
    logLevel: 'error',
    host: '0.0.0.0',
    data: join(folder, 'store'),
    allowedOrigins: ['https://a.b', 'http://c'],
    trustProxy: true,
  });
});

test.each<[string, Given, string]>([
  ['an unknown setting', { file: { prot: 1 } }, 'badRequest prot: "prot" in'],
  ['a file that is not JSON', { file: '{port: 1}' }, 'is not JSON'],
  ['a file that is a list', { file: '[]' }, 'must hold one JSON object'],
  [
    'a port out of range',
    { flags: { port: '70000' } },
    'badRequest --port: must be a whole number from 0 to 65535, not 70000',
  ],
  [
    'a port in words',
    { environment: { GRADSWARM_PORT: 'http' } },
    'badRequest GRADSWARM_PORT: must be a whole number',
  ],
  [
    'an empty port',
    { environment: { GRADSWARM_PORT: '' } },
    'badRequest GRADSWARM_PORT: must be a whole number',
  ],
  [
    'a word that is no choice',
    { flags: { tls: 'on' } },
    'badRequest --tls: must be one of off, self-signed, not "on"',
  ],
  [
    'a boolean in words',
    { environment: { GRADSWARM_TRUST_PROXY: 'yes' } },
    'must be true or false, not "yes"',
  ],
  ['an origin with a path', { file: { allowedOrigins: ['https://a.b/c'] } }, 'must be origins such as'],
  [
    'an aggregator without a file',
    { flags: { aggregators: 'own' } },
    'badRequest --aggregators: must be files by',
  ],
  ['an aggregator with a bad name', { file: { aggregators: { 'My Own': 'a.mjs' } } }, 'must be files by'],
  ['two aggregators of one name', { flags: { aggregators: 'a=1.mjs,a=2.mjs' } }, 'must be files by'],
  ['a number as a host', { file: { host: 1 } }, 'must be a text that is not empty, not 1'],
  [
    'a certificate without its key',
    { flags: { tlsCert: 'a.pem' } },
    'badRequest --tls-key: is needed with --tls-cert',
  ],
])('%s is refused with its place and the remedy', (_name, given, expected) => {
  expect(refusal(given)).toContain(expected);
});

test('aggregators are files from the folder of whoever names them', () => {
  const expected = { cautious: join(folder, 'own/cautious.mjs'), bold: '/bold.mjs' };
  const object = { cautious: 'own/cautious.mjs', bold: '/bold.mjs' };
  expect(load({ file: { aggregators: object } }).aggregators).toEqual(expected);
  const list = 'cautious=own/cautious.mjs, bold=/bold.mjs';
  expect(load({ flags: { aggregators: list } }).aggregators).toEqual(expected);
  expect(load({ environment: { GRADSWARM_AGGREGATORS: '' } }).aggregators).toEqual({});
});

test('servers for connections between members are told in one form, and their passwords in no message', () => {
  const servers = ['stun:stun.example.org:3478', 'turn:grid:s%3Acret@turn.example.org?transport=tcp'];
  expect(load({ environment: { GRADSWARM_ICE_SERVERS: servers.join(', ') } }).iceServers).toEqual(servers);
  expect(load({ flags: { iceServers: servers[0] } }).iceServers).toEqual([servers[0]]);
  expect(load({ file: { iceServers: servers } }).iceServers).toEqual(servers);
  const exposed = () => load({ flags: { iceServers: servers.join(', ') } });
  expect(exposed).toThrow(/password does not come from a flag; set GRADSWARM_ICE_SERVERS/);
  expect(exposed).not.toThrow(/s%3Acret|s:cret/);
  const wrong = () =>
    load({ environment: { GRADSWARM_ICE_SERVERS: 'turn:grid:secret@turn.example.org:99999' } });
  expect(wrong).toThrow(/GRADSWARM_ICE_SERVERS|servers such as stun:/);
  expect(wrong).not.toThrow(/secret/);
});

test('a file that was asked for must exist', () => {
  const sources = { workingFolder: folder, environment: {}, flags: {}, file: 'missing.json' };
  expect(() => loadConfiguration(sources)).toThrow('missing.json cannot be read');
});

function valueWords(setting: Setting): string {
  switch (setting.kind) {
    case 'name':
      return 'a-z, 0-9, `-`';
    case 'address':
      return '`HOST:PORT`';
    case 'peers':
      return '`a=HOST:PORT,b=HOST:PORT`';
    case 'url':
      return 'http or https address';
    case 'urls':
      return 'list of addresses';
    case 'iceServers':
      return 'list of servers';
    case 'choice':
      return setting.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'integer':
      return `${setting.minimum} to ${setting.maximum}`;
    case 'files':
      return '`a=FILE,b=FILE`';
    case 'origins':
      return 'list of origins';
    case 'boolean':
      return '`true`, `false`';
    default:
      return setting.kind;
  }
}

function defaultWords(value: unknown): string {
  if (value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)) return 'none';
  return `\`${String(value)}\``;
}

test('docs/CONFIGURATION.md lists every setting as it is', () => {
  const document = readFileSync(join(import.meta.dirname, '../../../../docs/CONFIGURATION.md'), 'utf8');
  const rows = settingNames.map((name) => {
    const setting: Setting = configurationSchema[name];
    const flag = setting.kind === 'secret' ? '–' : `\`${flagName(name)}\``;
    const names = `\`${name}\` | \`${environmentName(name)}\` | ${flag}`;
    return `| ${names} | ${valueWords(setting)} | ${defaultWords(setting.default)} | ${setting.meaning} |`;
  });
  const documented = document.split('\n').filter((line) => /^\| `\w+` \| `GRADSWARM_/.test(line));
  expect(documented).toEqual(rows);
});
