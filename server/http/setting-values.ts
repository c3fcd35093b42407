import { resolve } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import { parseHostPort } from '../../shared/base/host-port.ts';
import { isNodeId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { coordinatorUrl } from '../../shared/protocol/coordinator-url.ts';
import { parseIceServer } from '../../shared/protocol/ice-server.ts';
import {
  configurationSchema,
  type NamedFiles,
  type PeerAddresses,
  type Setting,
  type SettingName,
  type SettingValue,
} from './configuration-schema.ts';

export const nameRule = '1 to 32 of the characters a-z, 0-9 and "-"';

/** Environment variables and flags are text. @throws GradswarmError as `checkValue`. */
export function parseText(name: SettingName, text: string, place: string, folder: string): SettingValue {
  const { kind }: Setting = configurationSchema[name];
  const trimmed = text.trim();
  switch (kind) {
    case 'integer': {
      const value = trimmed === '' ? Number.NaN : Number(trimmed);
      return checkValue(name, Number.isNaN(value) ? text : value, place, folder);
    }
    case 'boolean':
      return checkValue(name, { true: true, false: false }[trimmed] ?? text, place, folder);
    case 'origins':
    case 'urls':
    case 'iceServers':
    case 'peers':
    case 'files':
      return checkValue(name, listOf(trimmed), place, folder);
    default:
      return checkValue(name, text, place, folder);
  }
}

function listOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((part) => part.trim());
}

/** @throws GradswarmError `badRequest` with the place where the value was set, and what would fit. */
export function checkValue(name: SettingName, value: unknown, place: string, folder: string): SettingValue {
  const setting: Setting = configurationSchema[name];
  const fail = (expected: string): never => {
    throw new GradswarmError('badRequest', `must be ${expected}, not ${JSON.stringify(value)}`, place);
  };
  switch (setting.kind) {
    case 'text':
      return typeof value === 'string' && value !== '' ? value : fail('a text that is not empty');
    case 'path':
      if (typeof value !== 'string') return fail('a path');
      return value === '' ? '' : resolve(folder, value);
    case 'choice':
      return (
        setting.choices.find((choice) => choice === value) ?? fail(`one of ${setting.choices.join(', ')}`)
      );
    case 'integer': {
      const { minimum, maximum } = setting;
      const isInside = Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
      return isInside ? Number(value) : fail(`a whole number from ${minimum} to ${maximum}`);
    }
    case 'boolean':
      return typeof value === 'boolean' ? value : fail('true or false');
    case 'origins':
      return asList(value).map((item) =>
        isOrigin(item) ? item : fail('origins such as https://train.example.org'),
      );
    case 'name':
      return typeof value === 'string' && isNodeId(value) ? value : fail(nameRule);
    case 'address':
      return value === '' || isAddress(value) ? String(value) : fail('HOST:PORT, such as 10.0.0.5:7177');
    case 'url':
      return value === '' ? '' : (asUrl(value) ?? fail('an address such as https://a.example.org:7077'));
    case 'urls':
      return asList(value).map((item) => asUrl(item) ?? fail('addresses such as http://127.0.0.1:2379'));
    case 'iceServers':
      return readIceServers(value, place);
    case 'peers':
      return readPeers(value, place);
    case 'files':
      return readFiles(value, place, folder);
    case 'secret':
      return typeof value === 'string' ? checkSecret(value.trim(), place) : '';
  }
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isOrigin(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}

function asUrl(value: unknown): string | undefined {
  return typeof value === 'string' ? coordinatorUrl(value) : undefined;
}

/** Port 0 would be another one at every start. */
function isAddress(value: unknown): value is string {
  return typeof value === 'string' && (parseHostPort(value)?.port ?? 0) > 0;
}

/** The secret is in no message. @throws GradswarmError `badRequest`. */
export function checkSecret(secret: string, place: string): string {
  if (secret === '' || secret.length >= limits.clusterSecretCharactersMin) return secret;
  const remedy = 'make one with: openssl rand -hex 32';
  throw new GradswarmError(
    'badRequest',
    `the cluster's secret has at least ${limits.clusterSecretCharactersMin} characters; ${remedy}`,
    place,
  );
}

/** A server's password is in no message. @throws GradswarmError `badRequest`. */
function readIceServers(value: unknown, place: string): readonly string[] {
  const servers = asList(value).filter((item) => typeof item === 'string');
  const areGood = servers.every((text) => parseIceServer(text) !== undefined);
  if (areGood && servers.length === asList(value).length && servers.length <= limits.iceServersMax)
    return servers;
  const expected = 'servers such as stun:stun.example.org:3478 or turn:USER:PASSWORD@turn.example.org:3478';
  throw new GradswarmError('badRequest', `must be at most ${limits.iceServersMax} ${expected}`, place);
}

/** A list of `name=host:port`, or in a file also an object. */
function readPeers(value: unknown, place: string): PeerAddresses {
  const fail = (message: string): never => {
    throw new GradswarmError('badRequest', message, place);
  };
  const peers = new Map<string, string>();
  for (const [name, address] of pairsOf(value)) {
    if (!isNodeId(name)) return fail(`a coordinator is named by ${nameRule}, not "${name}"`);
    if (!isAddress(address)) {
      return fail(`${name} needs an address, as in ${name}=10.0.0.5:7177, not ${JSON.stringify(address)}`);
    }
    if (peers.has(name)) return fail(`${name} is named twice; each coordinator has a name of its own`);
    const other = [...peers].find(([, known]) => known === address)?.[0];
    if (other !== undefined) return fail(`${other} and ${name} have the same address ${address}`);
    peers.set(name, address);
  }
  if (peers.size > limits.clusterMembersMax) {
    return fail(`a cluster begins with at most ${limits.clusterMembersMax} coordinators; 3 or 5 are usual`);
  }
  return Object.fromEntries(peers);
}

/** A list of `name=path`, or in a file also an object. */
function readFiles(value: unknown, place: string, folder: string): NamedFiles {
  const files = new Map<string, string>();
  for (const [name, path] of pairsOf(value)) {
    const isGood = aggregatorName.test(name) && typeof path === 'string' && path !== '' && !files.has(name);
    if (!isGood) {
      const message = `must be files by different names, such as cautious=./cautious.mjs, not ${JSON.stringify(value)}`;
      throw new GradswarmError('badRequest', message, place);
    }
    files.set(name, resolve(folder, path));
  }
  return Object.fromEntries(files);
}

/** As the job schema has it in `aggregator.name`. */
const aggregatorName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Of an object, or of a list of `name=value`. */
function pairsOf(value: unknown): readonly (readonly [string, unknown])[] {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.entries(value) : asList(value).map((item) => splitPair(String(item)));
}

function splitPair(text: string): readonly [string, string] {
  const separator = text.indexOf('=');
  return separator < 0 ? [text, ''] : [text.slice(0, separator).trim(), text.slice(separator + 1).trim()];
}
