import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import { parseIceServer } from '../../shared/protocol/ice-server.ts';
import { completeCluster } from './cluster-configuration.ts';
import {
  type Configuration,
  configurationSchema,
  environmentName,
  flagName,
  type SettingName,
  type SettingValue,
  settingNames,
} from './configuration-schema.ts';
import { checkValue, parseText } from './setting-values.ts';

export const configurationFile = 'gradswarm.config.json';

export interface ConfigurationSources {
  /** By setting name, as the command line gave them; absent ones are undefined. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
  /** A file that must exist; `gradswarm.config.json` of the working folder is read where there is one. */
  readonly file?: string;
}

type Values = Map<SettingName, SettingValue>;

/**
 * Defaults, then the file, then the environment, then flags: later ones win.
 * @throws GradswarmError `badRequest` naming the setting, where it was set, and the remedy.
 */
export function loadConfiguration(sources: ConfigurationSources): Configuration {
  const values: Values = new Map(
    settingNames.map((name) => [
      name,
      checkValue(name, configurationSchema[name].default, name, sources.workingFolder),
    ]),
  );
  readFile(values, sources);
  for (const name of settingNames) {
    const variable = environmentName(name);
    const text = sources.environment[variable];
    if (text !== undefined) values.set(name, parseText(name, text, variable, sources.workingFolder));
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value === undefined) continue;
    const name = knownName(key, 'the flags');
    refuseSecret(name);
    const place = flagName(name);
    const parsed =
      typeof value === 'string'
        ? parseText(name, value, place, sources.workingFolder)
        : checkValue(name, value, place, sources.workingFolder);
    refusePassword(name, parsed);
    values.set(name, parsed);
  }
  const configuration = Object.fromEntries(values) as unknown as Configuration;
  checkTls(configuration);
  return Object.freeze(completeCluster(configuration));
}

function readFile(values: Values, { file, workingFolder }: ConfigurationSources): void {
  const path = resolve(workingFolder, file ?? configurationFile);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (file === undefined) return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `${path} cannot be read: ${reason}`, '--config');
  }
  for (const [key, value] of Object.entries(parseObject(text, path))) {
    if (key === '$schema') continue;
    const name = knownName(key, path);
    refuseSecret(name);
    values.set(name, checkValue(name, value, `${name} in ${path}`, dirname(path)));
  }
}

/** Command lines can be read by every user of a machine, and configuration files are kept where others see them. */
function refuseSecret(name: SettingName): void {
  if (configurationSchema[name].kind !== 'secret') return;
  const remedy = `name a file with ${flagName('clusterSecretFile')}, or set ${environmentName(name)}`;
  throw new GradswarmError(
    'badRequest',
    `a secret comes neither from a flag nor from this file; ${remedy}`,
    name,
  );
}

/** The password of a TURN server is told to workers anyway; what remains is whoever looks at the processes of the machine. */
function refusePassword(name: SettingName, value: unknown): void {
  if (configurationSchema[name].kind !== 'iceServers') return;
  const hasPassword = (value as readonly string[]).some(
    (text) => parseIceServer(text)?.credential !== undefined,
  );
  if (!hasPassword) return;
  const remedy = `set ${environmentName(name)}, or write it to the configuration file`;
  throw new GradswarmError('badRequest', `a server's password does not come from a flag; ${remedy}`, name);
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `${path} is not JSON: ${reason}`, '--config');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Readonly<Record<string, unknown>>;
  }
  throw new GradswarmError('badRequest', `${path} must hold one JSON object of settings`, '--config');
}

function knownName(key: string, place: string): SettingName {
  const name = settingNames.find((known) => known === key);
  if (name) return name;
  const remedy = `remove it; the settings are ${settingNames.join(', ')}`;
  throw new GradswarmError('badRequest', `"${key}" in ${place} is no setting: ${remedy}`, key);
}

function checkTls({ tlsCert, tlsKey }: Configuration): void {
  if ((tlsCert === '') === (tlsKey === '')) return;
  const [missing, given] =
    tlsCert === '' ? (['tlsCert', 'tlsKey'] as const) : (['tlsKey', 'tlsCert'] as const);
  throw new GradswarmError('badRequest', `is needed with ${flagName(given)}`, flagName(missing));
}
