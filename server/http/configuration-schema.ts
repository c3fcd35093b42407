/** Files by the name of what they hold. */
export type NamedFiles = Readonly<Record<string, string>>;

/** `host:port` by the name of a coordinator. */
export type PeerAddresses = Readonly<Record<string, string>>;

export type SettingValue = string | number | boolean | readonly string[] | PeerAddresses | NamedFiles;

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
  | (SettingBase<readonly string[]> & { readonly kind: 'origins' })
  /** The name of a coordinator in its cluster. */
  | (SettingBase<string> & { readonly kind: 'name' })
  /** `host:port`; empty means none. */
  | (SettingBase<string> & { readonly kind: 'address' })
  | (SettingBase<PeerAddresses> & { readonly kind: 'peers' })
  /** Paths as of `path`. */
  | (SettingBase<NamedFiles> & { readonly kind: 'files' })
  /** Base address over http or https; empty means none. */
  | (SettingBase<string> & { readonly kind: 'url' })
  | (SettingBase<readonly string[]> & { readonly kind: 'urls' })
  /** As `parseIceServer` reads them. */
  | (SettingBase<readonly string[]> & { readonly kind: 'iceServers' })
  /** Comes from the environment alone, and is never shown. */
  | (SettingBase<string> & { readonly kind: 'secret' });

const nobody: PeerAddresses = {};
const nothing: NamedFiles = {};

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
  aggregators: {
    kind: 'files',
    default: nothing,
    meaning:
      'Modules with aggregator functions of your own, by the name that jobs give in `aggregator.name`; the same on every coordinator.',
  },
  iceServers: {
    kind: 'iceServers',
    default: [],
    meaning:
      'STUN and TURN servers by which members of a ring find a way to one another across networks: `stun:HOST:PORT`, `turn:USER:PASSWORD@HOST:PORT`.',
  },
  id: {
    kind: 'name',
    default: 'main',
    meaning: 'Name of this coordinator, its own in the cluster and for ever.',
  },
  advertise: {
    kind: 'url',
    default: '',
    meaning:
      'Address at which workers, pages and commands reach this coordinator, as the others tell it them; the one that it listens on when not set.',
  },
  peerListen: {
    kind: 'address',
    default: '',
    meaning:
      'Address to listen on for the other coordinators; its own one of `peers` when not set. Without either there is no cluster.',
  },
  peers: {
    kind: 'peers',
    default: nobody,
    meaning:
      'The coordinators that form the cluster at its first start, this one among them, the same list for each. Later on the log says who belongs to it.',
  },
  join: {
    kind: 'address',
    default: '',
    meaning:
      'Address for peers of any coordinator of a cluster that runs; this one then waits there to be added by `gradswarm cluster add`. Needs `peerListen`.',
  },
  edge: {
    kind: 'boolean',
    default: true,
    meaning:
      'In a cluster, serve workers also while another coordinator leads, and sum for it what they contribute; otherwise they are sent to the leader.',
  },
  clusterSecretFile: {
    kind: 'path',
    default: '',
    meaning: 'File with the secret that coordinators know one another by; the same for each.',
  },
  clusterSecret: {
    kind: 'secret',
    default: '',
    meaning: 'The secret itself, at least 32 characters, instead of a file.',
  },
  peerTlsCert: {
    kind: 'path',
    default: '',
    meaning:
      'Certificate in PEM format by which the other coordinators know this one; needs `peerTlsKey` and `peerTlsCa`.',
  },
  peerTlsKey: {
    kind: 'path',
    default: '',
    meaning: 'Private key of `peerTlsCert` in PEM format, without passphrase.',
  },
  peerTlsCa: {
    kind: 'path',
    default: '',
    meaning: 'Certificate of the authority that signs those of all coordinators, in PEM format.',
  },
  consensus: {
    kind: 'choice',
    choices: ['raft', 'etcd'],
    default: 'raft',
    meaning: 'What orders the log of a cluster: the coordinators themselves, or an etcd that runs already.',
  },
  etcd: {
    kind: 'urls',
    default: [],
    meaning: 'Client addresses of etcd’s members, such as `http://127.0.0.1:2379`; for `consensus` etcd.',
  },
  etcdPrefix: {
    kind: 'text',
    default: '/gradswarm/',
    meaning: 'What the keys in etcd begin with; each cluster has its own.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof configurationSchema;

type ValueOf<S extends Setting> = S extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : S extends { readonly kind: 'integer' }
    ? number
    : S extends { readonly kind: 'boolean' }
      ? boolean
      : S extends { readonly kind: 'origins' | 'urls' | 'iceServers' }
        ? readonly string[]
        : S extends { readonly kind: 'peers' }
          ? PeerAddresses
          : S extends { readonly kind: 'files' }
            ? NamedFiles
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
