import type { Command } from 'commander';
import { onStopRequest } from '../../node/stop-request.ts';
import { type CoordinatorFlags, coordinatorOptions, withCoordinatorOptions } from '../coordinator-options.ts';
import { createOutput } from '../output.ts';

interface ServeFlags extends CoordinatorFlags {
  readonly newAdminToken?: boolean;
}

const firstTokenName = 'first admin';

async function serve(flags: ServeFlags): Promise<void> {
  const output = createOutput(flags.json === true);
  // Loaded when it is needed: the commands that only talk to a coordinator start in half the time.
  const { startCoordinator } = await import('../../../server/main.ts');
  const coordinator = await startCoordinator(await coordinatorOptions(flags));
  const ended = new Promise<void>((resolve) => {
    onStopRequest(async () => {
      await coordinator.stop();
      resolve();
    });
  });
  const hasAdmin = coordinator.tokens().some(({ role }) => role === 'admin');
  const isTokenWanted = !hasAdmin || flags.newAdminToken === true;
  const created = isTokenWanted ? await coordinator.actions.createToken(firstTokenName, 'admin') : undefined;
  const { url, fingerprint } = coordinator;
  output.object({
    event: 'started',
    url,
    adminUrl: new URL('admin', url).href,
    adminToken: created?.token,
    fingerprint,
  });
  output.text(`Contributors open ${url}`);
  output.text(`Admins open       ${new URL('admin', url).href}`);
  if (fingerprint !== undefined) output.text(`TLS fingerprint   ${fingerprint}`);
  output.text(
    created === undefined
      ? 'Admin tokens exist; --new-admin-token makes another one.'
      : `Admin token       ${created.token}  (shown once)`,
  );
  await ended;
}

export function addCoordinatorCommand(program: Command): void {
  withCoordinatorOptions(program.command('coordinator'))
    .description('Serve jobs, pages and workers.')
    .option('--new-admin-token', 'create an admin token and print it')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm coordinator
  gradswarm coordinator --host 0.0.0.0 --tls self-signed --data /var/lib/gradswarm
  gradswarm coordinator --config gradswarm.config.json`,
    )
    .action(serve);
}
