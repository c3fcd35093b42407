import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfiguration } from '../../server/http/configuration.ts';
import { configurationSchema } from '../../server/http/configuration-schema.ts';
import type { CoordinatorOptions } from '../../server/main.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { parseHostPort } from '../../shared/base/host-port.ts';

export interface CoordinatorFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly tls?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly allowedOrigins?: string;
  readonly trustProxy?: boolean;
  readonly logLevel?: string;
  readonly aggregators?: string;
  readonly iceServers?: string;
  readonly json?: boolean;
  readonly listen?: string;
}

/** The flags of a coordinator; what is not given comes from environment, file and defaults, in this order. */
export function withCoordinatorOptions(command: Command): Command {
  const {
    host,
    port,
    data,
    tls,
    tlsCert,
    tlsKey,
    allowedOrigins,
    trustProxy,
    logLevel,
    aggregators,
    iceServers,
  } = configurationSchema;
  return command
    .option(
      '--config <file>',
      'JSON file of settings; gradswarm.config.json of the working folder when absent',
    )
    .option('--host <address>', host.meaning)
    .option('--port <port>', port.meaning)
    .option('--data <folder>', data.meaning)
    .option('--tls <mode>', tls.meaning)
    .option('--tls-cert <file>', tlsCert.meaning)
    .option('--tls-key <file>', tlsKey.meaning)
    .option('--allowed-origins <origins>', `${allowedOrigins.meaning} Separated by commas.`)
    .option('--trust-proxy', trustProxy.meaning)
    .option('--log-level <level>', logLevel.meaning)
    .option('--aggregators <list>', `${aggregators.meaning} Written as name=FILE,other=FILE.`)
    .option('--ice-servers <list>', `${iceServers.meaning} Separated by commas.`)
    .option('--json', 'one JSON object a line');
}

/** The flags of a coordinator that may belong to a cluster. */
export function withClusterOptions(command: Command): Command {
  const {
    id,
    advertise,
    peerListen,
    peers,
    join: joining,
    edge,
    clusterSecretFile,
    peerTlsCert,
    peerTlsKey,
    peerTlsCa,
    consensus,
    etcd,
    etcdPrefix,
  } = configurationSchema;
  return command
    .option('--listen <host:port>', 'address and port to listen on: --host and --port in one')
    .option('--id <name>', id.meaning)
    .option('--advertise <url>', advertise.meaning)
    .option('--peer-listen <host:port>', peerListen.meaning)
    .option('--peers <list>', `${peers.meaning} Written as a=HOST:PORT,b=HOST:PORT.`)
    .option('--join <host:port>', joining.meaning)
    .option('--edge <true|false>', edge.meaning)
    .option('--cluster-secret-file <file>', clusterSecretFile.meaning)
    .option('--peer-tls-cert <file>', peerTlsCert.meaning)
    .option('--peer-tls-key <file>', peerTlsKey.meaning)
    .option('--peer-tls-ca <file>', peerTlsCa.meaning)
    .option('--consensus <kind>', consensus.meaning)
    .option('--etcd <urls>', `${etcd.meaning} Separated by commas.`)
    .option('--etcd-prefix <prefix>', etcdPrefix.meaning);
}

/** `--listen` as the two settings that it stands for. */
function listenFlags({ listen, host, port }: CoordinatorFlags): Pick<CoordinatorFlags, 'host' | 'port'> {
  if (listen === undefined) return {};
  if (host !== undefined || port !== undefined) {
    throw new GradswarmError(
      'badRequest',
      'stands for --host and --port; give either it or them',
      '--listen',
    );
  }
  const address = parseHostPort(listen);
  if (address !== undefined) return { host: address.host, port: String(address.port) };
  throw new GradswarmError(
    'badRequest',
    `must be HOST:PORT, such as 0.0.0.0:7077, not "${listen}"`,
    '--listen',
  );
}

/** The model compiler is loaded when the first job is submitted: TensorFlow.js takes a moment to start. */
export async function coordinatorOptions(
  { config, json: _json, ...flags }: CoordinatorFlags,
  defaults: Readonly<Record<string, string>> = {},
): Promise<CoordinatorOptions> {
  const given: Readonly<Record<string, unknown>> = { ...flags, ...listenFlags(flags) };
  const settings = Object.fromEntries(Object.keys(configurationSchema).map((name) => [name, given[name]]));
  return {
    configuration: loadConfiguration({
      flags: settings,
      environment: { ...defaults, ...process.env },
      workingFolder: process.cwd(),
      ...(config === undefined ? {} : { file: config }),
    }),
    compiler: {
      async compile(model, ends, loss, seed) {
        const { compileModel } = await import('../worker/model/model-compiler.ts');
        return compileModel(model, ends, loss, seed);
      },
    },
    distFolder: join(import.meta.dirname, '..', '..', 'dist'),
  };
}
