import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { onStopRequest } from '../../node/stop-request.ts';
import { type ClusterLayout, type LayoutMember, openLayout, peerList } from '../cluster-layout.ts';
import { type ClusterMembers, type MemberNews, type MemberPlan, startMembers } from '../cluster-members.ts';
import type { MemberEnd } from '../member-process.ts';
import { wholeNumber } from '../numbers.ts';
import { createOutput, type Output } from '../output.ts';

interface UpFlags {
  readonly size?: number;
  readonly data: string;
  readonly port?: number;
  readonly consensus: 'raft' | 'etcd';
  readonly etcd?: string;
  readonly etcdPrefix?: string;
  readonly newAdminToken?: boolean;
  readonly restart: boolean;
  readonly json?: boolean;
}

function consensusFlags(
  { consensus, etcd, etcdPrefix }: UpFlags,
  layout: ClusterLayout,
  { peerPort }: LayoutMember,
): readonly string[] {
  if (consensus === 'raft') return ['--peers', peerList(layout)];
  if (etcd === undefined) {
    throw new GradswarmError(
      'badRequest',
      'is needed with --consensus etcd, such as http://127.0.0.1:2379',
      '--etcd',
    );
  }
  const prefix = etcdPrefix === undefined ? [] : ['--etcd-prefix', etcdPrefix];
  return ['--consensus', 'etcd', '--etcd', etcd, ...prefix, '--peer-listen', `127.0.0.1:${peerPort}`];
}

function planOf(member: LayoutMember, layout: ClusterLayout, folder: string, flags: UpFlags): MemberPlan {
  const { id, port } = member;
  const common = ['--id', id, '--listen', `127.0.0.1:${port}`, '--data', join(folder, id)];
  const secret = ['--cluster-secret-file', layout.secretFile];
  return {
    id,
    flags: [...common, ...secret, ...consensusFlags(flags, layout, member)],
    firstFlags: flags.newAdminToken === true ? ['--new-admin-token'] : [],
  };
}

function describeEnd({ code, signal }: MemberEnd, restarts: boolean): string {
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  return `ended ${how}; ${restarts ? 'it is started again' : 'it is not started again'}`;
}

/** Tells of every member as it goes, its log lines with its name in front. */
function createNews(output: Output, urls: Map<string, string>, onToken: (token: string) => void): MemberNews {
  const note = (id: string, text: string): void => {
    process.stderr.write(`${id} | ${text}\n`);
  };
  return {
    onStarted(id, { url = '' }, pid) {
      const isFirst = !urls.has(id);
      urls.set(id, url);
      output.object({ event: 'memberStarted', member: id, url, pid });
      if (!isFirst) note(id, 'started again');
    },
    onAdminToken: (_id, token) => onToken(token),
    onLine: note,
    onEnd(id, end, restarts) {
      const { code, signal } = end;
      output.object({ event: 'memberEnded', member: id, code, signal, restarts });
      note(id, describeEnd(end, restarts));
    },
  };
}

function tokenLine(adminToken: string): string {
  return `Admin token    ${adminToken}  (shown once)`;
}

function showCluster(
  urls: ReadonlyMap<string, string>,
  adminToken: string | undefined,
  output: Output,
): void {
  const members = [...urls].sort().map(([id, url]) => ({ id, url }));
  output.object({ event: 'started', members, adminToken });
  const lines = members.map(
    ({ id, url }) => `Coordinator ${id}  ${url}   admins: ${new URL('admin', url).href}`,
  );
  const token =
    adminToken === undefined
      ? 'An admin token follows if one is made; where some exist, --new-admin-token asks for another one.'
      : tokenLine(adminToken);
  const all = members.map(({ url }) => url).join(',');
  output.text(
    `\n${lines.join('\n')}\n${token}\n\nWorkers: gradswarm worker --url ${all}\nPress Ctrl-C to end all.\n`,
  );
}

/** Resolves when the cluster has been stopped. @throws GradswarmError when it cannot start, or all members are lost. */
async function serve(members: ClusterMembers, ready: () => Promise<void>): Promise<void> {
  let isStopping = false;
  const forget = onStopRequest(async () => {
    isStopping = true;
    await members.stop();
  });
  try {
    await Promise.race([members.lost, members.started.then(ready)]);
    await members.lost;
  } finally {
    forget();
    await members.stop();
  }
  if (!isStopping) throw new GradswarmError('unavailable', 'no coordinator is left; see above why');
}

async function up(flags: UpFlags): Promise<void> {
  const output = createOutput(flags.json === true);
  const folder = resolve(flags.data);
  const layout = await openLayout({ folder, size: flags.size, port: flags.port });
  const urls = new Map<string, string>();
  let giveToken = (_token: string): void => {};
  const token = new Promise<string>((resolveToken) => {
    giveToken = resolveToken;
  });
  const plans = layout.members.map((member) => planOf(member, layout, folder, flags));
  const members = startMembers(plans, flags.restart, createNews(output, urls, giveToken));
  // Only then is it sure: an etcd may hold admins before this layout, and be led by others than these.
  const isTokenComing = flags.consensus === 'raft' && (layout.isNew || flags.newAdminToken === true);
  await serve(members, async () => {
    showCluster(urls, isTokenComing ? await token : undefined, output);
    if (isTokenComing) return;
    // Made nonetheless where there is none, also because the first run was ended too early.
    void token.then((adminToken) => {
      output.object({ event: 'adminToken', adminToken });
      output.text(tokenLine(adminToken));
    });
  });
}

export function addClusterUpCommand(cluster: Command): void {
  cluster
    .command('up')
    .description('Start coordinators that form a cluster, all on this machine, for trying it out.')
    .option(
      '--size <count>',
      'coordinators; 3 when absent, or what the folder holds',
      wholeNumber('--size', 1, limits.clusterMembersMax),
    )
    .option(
      '--data <folder>',
      'folder of their data, and of the secret that they know one another by',
      'data/cluster',
    )
    .option(
      '--port <port>',
      'the first of consecutive ports, 7077 when absent; 0 takes free ones; kept in the folder',
      wholeNumber('--port', 0, 65_000),
    )
    .addOption(
      new Option('--consensus <kind>', 'what orders their log').choices(['raft', 'etcd']).default('raft'),
    )
    .option('--etcd <urls>', 'client addresses of an etcd that runs, with --consensus etcd')
    .option('--etcd-prefix <prefix>', 'what the keys in etcd begin with')
    .option('--new-admin-token', 'create another admin token and print it')
    .option('--no-restart', 'leave a coordinator that ended as it is')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm cluster up
  gradswarm cluster up --size 5 --data /tmp/five --port 0
  gradswarm cluster up --consensus etcd --etcd http://127.0.0.1:2379`,
    )
    .action(up);
}
