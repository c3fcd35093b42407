import type { Command } from 'commander';
import type { Coordinator } from '../../../server/main.ts';
import { onStopRequest } from '../../node/stop-request.ts';
import {
  type CoordinatorFlags,
  coordinatorOptions,
  withClusterOptions,
  withCoordinatorOptions,
} from '../coordinator-options.ts';
import { awaitFirstToken, type FirstToken, makeFirstToken } from '../first-admin-token.ts';
import { createOutput, type Output } from '../output.ts';

interface ServeFlags extends CoordinatorFlags {
  readonly newAdminToken?: boolean;
}

function showStart(coordinator: Coordinator, id: string, first: FirstToken, output: Output): void {
  const { url, fingerprint } = coordinator;
  const adminUrl = new URL('admin', url).href;
  const adminToken = first.kind === 'made' ? first.token : undefined;
  output.object({ event: 'started', id, url, adminUrl, adminToken, fingerprint });
  output.text(`Contributors open ${url}`);
  output.text(`Admins open       ${adminUrl}`);
  if (fingerprint !== undefined) output.text(`TLS fingerprint   ${fingerprint}`);
  output.text(tokenLine(first));
}

function tokenLine(first: FirstToken): string {
  switch (first.kind) {
    case 'made':
      return `Admin token       ${first.token}  (shown once)`;
    case 'exists':
      return 'Admin tokens exist; --new-admin-token makes another one.';
    case 'undecided':
      return 'Waiting for a leader.';
  }
}

async function serve(flags: ServeFlags): Promise<void> {
  const output = createOutput(flags.json === true);
  // Loaded when it is needed: the commands that only talk to a coordinator start in half the time.
  const { startCoordinator } = await import('../../../server/main.ts');
  const options = await coordinatorOptions(flags);
  const coordinator = await startCoordinator(options);
  const stopping = new AbortController();
  const ended = new Promise<void>((resolve) => {
    onStopRequest(async () => {
      stopping.abort();
      await coordinator.stop();
      resolve();
    });
  });
  const isWanted = flags.newAdminToken === true;
  const first = await makeFirstToken(coordinator, isWanted);
  showStart(coordinator, options.configuration.id, first, output);
  if (first.kind === 'undecided') {
    const later = await awaitFirstToken(coordinator, isWanted, stopping.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
    if (later?.kind === 'made') output.object({ event: 'adminToken', adminToken: later.token });
    if (later !== undefined) output.text(tokenLine(later));
  }
  await ended;
}

export function addCoordinatorCommand(program: Command): void {
  withClusterOptions(withCoordinatorOptions(program.command('coordinator')))
    .description('Serve jobs, pages and workers, alone or as one of a cluster.')
    .option('--new-admin-token', 'create an admin token and print it')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm coordinator
  gradswarm coordinator --host 0.0.0.0 --tls self-signed --data /var/lib/gradswarm
  gradswarm coordinator --config gradswarm.config.json
  gradswarm coordinator --id a --listen 10.0.0.1:7077 --cluster-secret-file secret \\
    --peers a=10.0.0.1:7177,b=10.0.0.2:7177,c=10.0.0.3:7177
  gradswarm coordinator --id d --listen 10.0.0.4:7077 --cluster-secret-file secret \\
    --peer-listen 10.0.0.4:7177 --join 10.0.0.1:7177`,
    )
    .action(serve);
}
