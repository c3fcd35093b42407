import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { readCoordinatorUrls } from '../../node/coordinator-url.ts';
import { readTlsTrust } from '../../node/tls-trust.ts';
import { type EngineChoice, engineChoices } from '../../worker/engine/engine.ts';
import type { WorkerStatus } from '../../worker/session/status.ts';
import { caOption, defaultUrl } from '../admin-client.ts';
import { formatBytes, formatCount } from '../numbers.ts';
import { createOutput, exitCodeOf, exitCodes, type Output, reportFailure } from '../output.ts';

interface WorkerFlags {
  readonly url: readonly string[];
  readonly token?: string;
  readonly name: string;
  readonly backend: EngineChoice;
  readonly job?: string;
  readonly ca?: string;
  readonly peerConnections?: boolean;
  readonly json?: boolean;
}

const lineIntervalMs = 5_000;

/** A line when the phase changes, and now and then while it computes. */
function createReporter(output: Output): (status: WorkerStatus) => void {
  let lastPhase = '';
  let lastLineMs = Number.NEGATIVE_INFINITY;
  return (status) => {
    const isNews = status.phaseText !== lastPhase;
    if (!isNews && performance.now() - lastLineMs < lineIntervalMs) return;
    lastPhase = status.phaseText;
    lastLineMs = performance.now();
    output.object({ ...status });
    const parts = [
      status.phaseText,
      status.device,
      `${status.unitsAccepted} units`,
      `${formatCount(status.samplesPerSecond)} samples/s`,
      `${formatBytes(status.bytesSent)} sent`,
    ];
    output.text(parts.filter((part) => part !== '').join(' | '));
  };
}

function failureOf({ phase, lastError, failureCode }: WorkerStatus): Error | undefined {
  if (phase !== 'failed') return undefined;
  return new GradswarmError(failureCode ?? 'unavailable', lastError);
}

async function work(flags: WorkerFlags): Promise<void> {
  const urls = readCoordinatorUrls(flags.url);
  const output = createOutput(flags.json === true);
  const report = createReporter(output);
  let failure: Error | undefined;
  const { runNodeWorker } = await import('../../node/node-worker.ts');
  const { openRingTransports } = await import('../../node/peer-connections.ts');
  const onMissing = (message: string): void => void process.stderr.write(`${message}\n`);
  const code = await runNodeWorker({
    urls,
    token: flags.token ?? process.env['GRADSWARM_TOKEN'] ?? '',
    name: flags.name,
    backend: flags.backend,
    jobId: flags.job,
    trust: flags.ca === undefined ? undefined : readTlsTrust(flags.ca),
    ringTransports: await openRingTransports(flags.peerConnections === true, onMissing),
    onStatus(status) {
      report(status);
      failure = failureOf(status);
    },
  });
  if (failure !== undefined) reportFailure(failure, output.isJson);
  // Dawn keeps the process alive while a GPU was opened, so the end has to be said.
  process.exit(code === 0 ? exitCodes.done : exitCodeOf(failure));
}

export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('Compute work units on this machine until it is stopped.')
    .option(
      '--url <url...>',
      'address of a coordinator; of a cluster give several, with commas: the worker is served by one, and tries the others when it is gone',
      [process.env['GRADSWARM_URL'] ?? defaultUrl],
    )
    .option(
      '--token <token>',
      'worker or contributor token; better given as GRADSWARM_TOKEN; none for anonymous work',
    )
    .option('--name <name>', 'shown to the admin', hostname())
    .addOption(
      new Option('--backend <name>', 'what computes; auto takes a hardware GPU, then WASM, then the CPU')
        .choices(engineChoices)
        .default('auto'),
    )
    .option('--job <job>', 'serve only this job')
    .option(
      '--peer-connections',
      'sum with other workers over direct connections, in jobs that have rings; shows them the address of this machine',
    )
    .option(...caOption)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm worker --url https://grid.example.org --token gs_...
  gradswarm worker --url https://192.168.1.20:7077 --ca self-signed-cert.pem
  gradswarm worker --url http://10.0.0.1:7077,http://10.0.0.2:7077,http://10.0.0.3:7077
  gradswarm worker --backend wasm --name "lab 3"`,
    )
    .action(work);
}
