import type { Command } from 'commander';
import { adminService } from '../../../shared/protocol/services.ts';
import { type AdminOptions, withAdmin, withAdminOptions } from '../admin-client.ts';
import { createOutput } from '../output.ts';

interface CreateOptions extends AdminOptions {
  readonly name: string;
}

export function addTokenCommand(program: Command): void {
  const token = program
    .command('token')
    .description('Create, list and revoke tokens.')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm token create worker --name "lab machines"
  gradswarm token list`,
    );
  withAdminOptions(token.command('create <role>'))
    .description('create a token for a role: admin, worker or contributor; it is shown once')
    .requiredOption('--name <name>', 'what the token is for')
    .addHelpText('after', '\nExample:\n  gradswarm token create worker --name "lab machines"')
    .action(async (role: string, options: CreateOptions) => {
      const { message } = await withAdmin(options, (client) =>
        client.unary(adminService.method.createToken, { role, name: options.name }),
      );
      const output = createOutput(options.json === true);
      output.object({ tokenId: message.tokenId, token: message.token, role, name: options.name });
      output.text(
        `${message.token}\n\nKeep it now: it is not stored and cannot be shown again (id ${message.tokenId}).`,
      );
    });
  withAdminOptions(token.command('list'))
    .description('list tokens, without the secrets')
    .addHelpText('after', '\nExample:\n  gradswarm token list')
    .action(async (options: AdminOptions) => {
      const { message } = await withAdmin(options, (client) =>
        client.unary(adminService.method.listTokens, {}),
      );
      const rows = message.tokens.map(({ tokenId, name, role, createdAtMs }) => ({
        id: tokenId,
        role,
        name,
        created: new Date(createdAtMs).toISOString(),
      }));
      createOutput(options.json === true).table(['id', 'role', 'name', 'created'], rows);
    });
  withAdminOptions(token.command('revoke <id>'))
    .description('revoke a token; connections that use it end')
    .addHelpText('after', '\nExample:\n  gradswarm token revoke t-3f2a')
    .action(async (tokenId: string, options: AdminOptions) => {
      await withAdmin(options, (client) => client.unary(adminService.method.revokeToken, { tokenId }));
      const output = createOutput(options.json === true);
      output.object({ tokenId, revoked: true });
      output.text(`Revoked ${tokenId}.`);
    });
}
