import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import {
  type Configuration,
  configurationSchema,
  environmentName,
  flagName,
  type Setting,
  type SettingName,
  type SettingValue,
  settingNames,
} from './configuration-schema.ts';

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
      check(name, configurationSchema[name].default, name, sources.workingFolder),
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
    const place = flagName(name);
    const parsed =
      typeof value === 'string'
        ? parseText(name, value, place, sources.workingFolder)
        : check(name, value, place, sources.workingFolder);
    values.set(name, parsed);
  }
  const configuration = Object.freeze(Object.fromEntries(values)) as Configuration;
  checkTogether(configuration);
  return configuration;
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
    values.set(name, check(name, value, `${name} in ${path}`, dirname(path)));
  }
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

/** Environment variables and flags are text. */
function parseText(name: SettingName, text: string, place: string, folder: string): SettingValue {
  const { kind }: Setting = configurationSchema[name];
  const trimmed = text.trim();
  if (kind === 'integer') {
    const value = trimmed === '' ? Number.NaN : Number(trimmed);
    return check(name, Number.isNaN(value) ? text : value, place, folder);
  }
  if (kind === 'boolean') return check(name, { true: true, false: false }[trimmed] ?? text, place, folder);
  if (kind === 'origins') {
    return check(name, trimmed === '' ? [] : trimmed.split(',').map((part) => part.trim()), place, folder);
  }
  return check(name, text, place, folder);
}

function check(name: SettingName, value: unknown, place: string, folder: string): SettingValue {
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
    case 'origins': {
      const origins: readonly unknown[] = Array.isArray(value) ? value : fail('a list of origins');
      return origins.map((origin) =>
        isOrigin(origin) ? origin : fail('origins such as https://train.example.org'),
      );
    }
  }
}

function isOrigin(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}

function checkTogether({ tlsCert, tlsKey }: Configuration): void {
  if ((tlsCert === '') === (tlsKey === '')) return;
  const [missing, given] =
    tlsCert === '' ? (['tlsCert', 'tlsKey'] as const) : (['tlsKey', 'tlsCert'] as const);
  throw new GradswarmError('badRequest', `is needed with ${flagName(given)}`, flagName(missing));
}
