import type { Command } from 'commander';
import type { RpcClient } from '../../../shared/protocol/rpc-client.ts';
import {
  adminService,
  type ClusterMember,
  type ClusterStatusResponse,
} from '../../../shared/protocol/services.ts';
import { type AdminOptions, withAdmin, withAdminOptions } from '../admin-client.ts';
import { formatBytes, formatCount } from '../numbers.ts';
import { createOutput, exitCodes, type Output } from '../output.ts';
import { addClusterUpCommand } from './cluster-up.ts';

const columns = [
  'name',
  'role',
  'connected',
  'term',
  'commit',
  'lag',
  'peers reach it at',
  'clients reach it at',
];

function memberRow(member: ClusterMember): Record<string, unknown> {
  const figure = (value: number | undefined): string => (value === undefined ? '-' : formatCount(value));
  return {
    name: member.id,
    role: member.role,
    connected: member.isConnected ? 'yes' : 'no',
    term: figure(member.term),
    commit: figure(member.commit),
    lag: figure(member.lag),
    'peers reach it at': member.address || '-',
    'clients reach it at': member.clientUrl || '-',
  };
}

function plainMember(member: ClusterMember): Record<string, unknown> {
  const { id, role, isConnected, term, commit, lag, address, clientUrl } = member;
  return { id, role, isConnected, term, commit, lag, address, clientUrl };
}

function showStatus(status: ClusterStatusResponse, output: Output): void {
  const { clusterId, nodeId, consensus, leaderId, term, commit, members } = status;
  const common = { cluster: clusterId, answeredBy: nodeId, consensus, leader: leaderId, term, commit };
  output.object({ ...common, members: members.map(plainMember) });
  if (output.isJson) return;
  const leader = leaderId === '' ? 'no leader is known' : `${leaderId} leads`;
  output.text(
    `Cluster ${clusterId}: ${leader}, term ${term}, ${formatCount(commit)} entries committed; ${nodeId} answered.\n`,
  );
  output.table(columns, members.map(memberRow));
}

async function status(options: AdminOptions, output: Output): Promise<void> {
  const ask = (client: RpcClient) => client.unary(adminService.method.clusterStatus, {});
  const { message } = await withAdmin(options, ask, 'any');
  showStatus(message, output);
  if (message.leaderId === '') process.exitCode = exitCodes.failed;
}

async function add(id: string, address: string, options: AdminOptions, output: Output): Promise<void> {
  output.text(`Adding ${id}: it counts when it has caught up ...`);
  await withAdmin(options, (client) => client.unary(adminService.method.clusterAdd, { id, address }));
  output.object({ member: id, address, added: true });
  output.text(`${id} belongs to the cluster now.`);
}

async function remove(id: string, options: AdminOptions, output: Output): Promise<void> {
  await withAdmin(options, (client) => client.unary(adminService.method.clusterRemove, { id }));
  output.object({ member: id, removed: true });
  output.text(`${id} belongs to the cluster no longer; end its process.`);
}

async function transfer(to: string | undefined, options: AdminOptions, output: Output): Promise<void> {
  const { message } = await withAdmin(options, (client) =>
    client.unary(adminService.method.clusterTransfer, { to: to ?? '' }),
  );
  output.object({ leader: message.leaderId });
  output.text(`${message.leaderId} leads now.`);
}

async function snapshot(options: AdminOptions, output: Output): Promise<void> {
  const ask = (client: RpcClient) => client.unary(adminService.method.clusterSnapshot, {});
  const { message } = await withAdmin(options, ask, 'any');
  output.object({ index: message.index, bytes: message.bytes });
  output.text(
    `The state up to entry ${formatCount(message.index)} is written down: ${formatBytes(message.bytes)}.`,
  );
}

export function addClusterCommand(program: Command): void {
  const cluster = program
    .command('cluster')
    .description('See and change the coordinators of a cluster, or try one out.')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm cluster up --size 3
  gradswarm cluster status
  gradswarm cluster add d 10.0.0.4:7177`,
    );
  addClusterUpCommand(cluster);
  const define = (usage: string, description: string, example: string): Command =>
    withAdminOptions(cluster.command(usage))
      .description(description)
      .addHelpText('after', `\nExample:\n  gradswarm cluster ${example}`);
  const outputFor = ({ json }: AdminOptions): Output => createOutput(json === true);
  define('status', 'show the coordinators; exits with 1 while no leader is known', 'status --json').action(
    (options: AdminOptions) => status(options, outputFor(options)),
  );
  define(
    'add <name> <address>',
    'add a coordinator that was started with --join; the address is the HOST:PORT of its --peer-listen',
    'add d 10.0.0.4:7177',
  ).action((name: string, address: string, options: AdminOptions) =>
    add(name, address, options, outputFor(options)),
  );
  define('remove <name>', 'remove a coordinator, dead or alive; also the leader', 'remove b').action(
    (name: string, options: AdminOptions) => remove(name, options, outputFor(options)),
  );
  define(
    'transfer [to]',
    'hand the leadership over, to the best prepared when none is named',
    'transfer b',
  ).action((to: string | undefined, options: AdminOptions) => transfer(to, options, outputFor(options)));
  define('snapshot', 'write the state down now and shorten the log', 'snapshot').action(
    (options: AdminOptions) => snapshot(options, outputFor(options)),
  );
}
