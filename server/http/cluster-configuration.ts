import { readFileSync } from 'node:fs';
import { GradswarmError } from '../../shared/base/errors.ts';
import { type Configuration, environmentName, flagName, type SettingName } from './configuration-schema.ts';
import { checkSecret } from './setting-values.ts';

/**
 * Reads the secret's file, takes the listener's address from the list of peers where it is not given, and holds the
 * settings of the cluster against one another.
 * @throws GradswarmError `badRequest` naming the setting and the remedy.
 */
export function completeCluster(configuration: Configuration): Configuration {
  const { id, peers } = configuration;
  checkConsensus(configuration);
  checkMembers(configuration);
  const complete = {
    ...configuration,
    peerListen: configuration.peerListen || (peers[id] ?? ''),
    clusterSecret: readSecret(configuration),
  };
  checkIdentity(complete);
  return complete;
}

function refuse(name: SettingName, message: string): never {
  throw new GradswarmError('badRequest', message, flagName(name));
}

function checkConsensus({ consensus, etcd, etcdPrefix, peers, join, peerListen }: Configuration): void {
  const flag = flagName('consensus');
  if (consensus === 'raft') {
    if (etcd.length > 0)
      refuse('etcd', `is for ${flag} etcd; set that too, or leave ${flagName('etcd')} out`);
    return;
  }
  if (etcd.length === 0) refuse('etcd', `is needed with ${flag} etcd, such as http://127.0.0.1:2379`);
  if (!etcdPrefix.startsWith('/') || !etcdPrefix.endsWith('/')) {
    refuse('etcdPrefix', `must begin and end with a slash, as /gradswarm/ does, not "${etcdPrefix}"`);
  }
  const why = `is for ${flag} raft; coordinators on etcd find one another there: leave it out`;
  if (Object.keys(peers).length > 0) refuse('peers', why);
  if (join !== '') refuse('join', why);
  if (peerListen === '') {
    refuse(
      'peerListen',
      `is needed with ${flag} etcd: coordinators store each round with one another before etcd has it`,
    );
  }
}

function checkMembers({ id, peers, join, peerListen }: Configuration): void {
  const names = Object.keys(peers);
  if (join !== '' && names.length > 0) {
    refuse(
      'join',
      `is for a coordinator that is added later; ${flagName('peers')} is for those of the first start`,
    );
  }
  if (join !== '' && peerListen === '') {
    refuse('peerListen', `is needed with ${flagName('join')}: the other coordinators come to this one`);
  }
  if (names.length > 0 && peers[id] === undefined) {
    const remedy = `add ${id}=HOST:PORT, or set ${flagName('id')} to one of ${names.join(', ')}`;
    refuse('peers', `does not name this coordinator; ${remedy}`);
  }
}

function readSecret({ clusterSecret, clusterSecretFile }: Configuration): string {
  if (clusterSecretFile === '') return clusterSecret;
  if (clusterSecret !== '') {
    refuse('clusterSecretFile', `and ${environmentName('clusterSecret')} are both set; give one of them`);
  }
  let text: string;
  try {
    text = readFileSync(clusterSecretFile, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    refuse('clusterSecretFile', `${clusterSecretFile} cannot be read: ${reason}`);
  }
  if (text === '')
    refuse('clusterSecretFile', `${clusterSecretFile} is empty; write one with: openssl rand -hex 32`);
  return checkSecret(text, flagName('clusterSecretFile'));
}

/** Whoever reaches the listener for peers must prove that it belongs to the cluster. */
function checkIdentity(configuration: Configuration): void {
  const parts = ['peerTlsCert', 'peerTlsKey', 'peerTlsCa'] as const;
  const given = parts.filter((name) => configuration[name] !== '');
  const missing = parts.find((name) => configuration[name] === '');
  const first = given[0];
  if (first !== undefined && missing !== undefined) refuse(missing, `is needed with ${flagName(first)}`);
  if (configuration.peerListen === '' || given.length > 0 || configuration.clusterSecret !== '') return;
  const remedy = `give ${flagName('clusterSecretFile')} with the same file for each (openssl rand -hex 32 makes one), or ${parts.map(flagName).join(', ')}`;
  refuse('clusterSecretFile', `is missing: coordinators must be able to know one another; ${remedy}`);
}
