import { parseArgs } from 'node:util';
import { GradswarmError } from '../../shared/base/errors.ts';
import { engineChoices } from '../worker/engine/engine.ts';
import type { WorkerStatus } from '../worker/session/status.ts';
import { readCoordinatorUrls } from './coordinator-url.ts';
import { runNodeWorker } from './node-worker.ts';
import { readTlsTrust } from './tls-trust.ts';

/**
 * A headless worker as a process of its own:
 * `node --import tsx worker-process.ts --url URL[,URL...] [--name NAME] [--backend BACKEND] [--job JOB] [--ca FILE]
 * [--sample-text]`, the token in GRADSWARM_WORKER_TOKEN. Every status goes to the parent by IPC where there is one, else to standard
 * output as one JSON object a line. Exit codes: 0 stopped, 1 failed, 2 bad usage.
 */

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', multiple: true },
      name: { type: 'string', default: 'worker' },
      backend: { type: 'string', default: 'auto' },
      job: { type: 'string' },
      ca: { type: 'string' },
      'sample-text': { type: 'boolean', default: false },
    },
  });
  const urls = readCoordinatorUrls(values.url ?? []);
  if (urls.length === 0) throw new GradswarmError('badRequest', 'give the address of a coordinator', '--url');
  const backend = engineChoices.find((name) => name === values.backend);
  if (!backend) throw new GradswarmError('badRequest', `is one of ${engineChoices.join(', ')}`, '--backend');
  const token = process.env['GRADSWARM_WORKER_TOKEN'] ?? '';
  const { name, job: jobId, 'sample-text': sampleText } = values;
  const trust = values.ca === undefined ? undefined : readTlsTrust(values.ca);
  return { urls, token, name, backend, jobId, sampleText, trust };
}

function report(status: WorkerStatus): void {
  if (!process.send) process.stdout.write(`${JSON.stringify(status)}\n`);
  // A parent that is gone is noticed by `disconnect`; the callback keeps the error from being thrown.
  else if (process.connected) process.send(status, undefined, undefined, () => {});
}

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    const field = error instanceof GradswarmError && error.field ? `${error.field} ` : '';
    process.stderr.write(`${field}${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  let failure = '';
  const code = await runNodeWorker({
    ...options,
    onStatus(status) {
      report(status);
      failure = status.phase === 'failed' ? status.lastError : '';
    },
  });
  if (failure) process.stderr.write(`worker ${options.name}: ${failure}\n`);
  return code;
}

process.exit(await main());
