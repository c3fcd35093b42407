export type SettingValue = string | number | boolean | readonly string[];

interface SettingBase<Value extends SettingValue> {
  readonly default: Value;
  /** One sentence for `--help` and docs/CONFIGURATION.md. */
  readonly meaning: string;
}

export type Setting =
  | (SettingBase<string> & { readonly kind: 'text' })
  /** A path; relative ones start from the file that names them, or from the working directory. Empty means none. */
  | (SettingBase<string> & { readonly kind: 'path' })
  | (SettingBase<string> & { readonly kind: 'choice'; readonly choices: readonly string[] })
  | (SettingBase<number> & { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number })
  | (SettingBase<boolean> & { readonly kind: 'boolean' })
  | (SettingBase<readonly string[]> & { readonly kind: 'origins' });

/** Every setting of a coordinator. */
export const configurationSchema = {
  host: {
    kind: 'text',
    default: '127.0.0.1',
    meaning:
      'Address to listen on. Others can reach the coordinator only at `0.0.0.0`, `::` or an address of the network.',
  },
  port: {
    kind: 'integer',
    default: 7077,
    minimum: 0,
    maximum: 65_535,
    meaning: 'TCP port for pages, workers and admins; 0 takes a free one.',
  },
  data: {
    kind: 'path',
    default: 'data',
    meaning:
      'Folder of log, blobs, exports and the self-signed certificate. One process may use it at a time.',
  },
  tls: {
    kind: 'choice',
    choices: ['off', 'self-signed'],
    default: 'off',
    meaning: 'Whether to make and keep a self-signed certificate; `tlsCert` and `tlsKey` come before it.',
  },
  tlsCert: {
    kind: 'path',
    default: '',
    meaning: 'Certificate chain in PEM format; needs `tlsKey`.',
  },
  tlsKey: {
    kind: 'path',
    default: '',
    meaning: 'Private key in PEM format, without passphrase; needs `tlsCert`.',
  },
  allowedOrigins: {
    kind: 'origins',
    default: [],
    meaning:
      'Origins of pages that may connect besides our own, such as `https://train.example.org` behind a proxy.',
  },
  trustProxy: {
    kind: 'boolean',
    default: false,
    meaning: 'Take clients’ addresses from X-Forwarded-For: only behind a proxy that sets it.',
  },
  logLevel: {
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    meaning: 'The least that is written to the log.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof configurationSchema;

type ValueOf<S extends Setting> = S extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : S extends { readonly kind: 'integer' }
    ? number
    : S extends { readonly kind: 'boolean' }
      ? boolean
      : S extends { readonly kind: 'origins' }
        ? readonly string[]
        : string;

export type Configuration = { readonly [Name in SettingName]: ValueOf<(typeof configurationSchema)[Name]> };

export const settingNames = Object.keys(configurationSchema) as readonly SettingName[];

/** `data` is `GRADSWARM_DATA`. */
export function environmentName(name: SettingName): string {
  return `GRADSWARM_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `data` is `--data`. */
export function flagName(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
