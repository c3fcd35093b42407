import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfiguration } from '../../server/http/configuration.ts';
import { configurationSchema } from '../../server/http/configuration-schema.ts';
import type { CoordinatorOptions } from '../../server/main.ts';

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
  readonly json?: boolean;
}

/** The flags of a coordinator; what is not given comes from environment, file and defaults, in this order. */
export function withCoordinatorOptions(command: Command): Command {
  const { host, port, data, tls, tlsCert, tlsKey, allowedOrigins, trustProxy, logLevel } =
    configurationSchema;
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
    .option('--json', 'one JSON object a line');
}

/** The model compiler is loaded when the first job is submitted: TensorFlow.js takes a moment to start. */
export async function coordinatorOptions(
  { config, json: _json, ...flags }: CoordinatorFlags,
  defaults: Readonly<Record<string, string>> = {},
): Promise<CoordinatorOptions> {
  const settings = Object.fromEntries(
    Object.keys(configurationSchema).map((name) => [name, (flags as Record<string, unknown>)[name]]),
  );
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
