import { useSignal } from '@preact/signals';
import type { ClusterMember, ClusterStatusResponse } from '../../../shared/protocol/services.ts';
import { formatCount } from '../../web/format.ts';
import type { Connection } from '../connection.ts';
import type { Coordinator } from '../coordinator.ts';
import { type Column, DataTable } from './data-table.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { usePolledList } from './use-polled-list.ts';

const figure = (value: number | undefined): string => (value === undefined ? '–' : formatCount(value));

const columns: readonly Column<ClusterMember>[] = [
  { name: 'Name', cell: ({ id }) => <code>{id}</code> },
  {
    name: 'Role',
    cell: ({ role, isConnected }) => (
      <>
        {role} {isConnected ? null : <span class="badge failed">not heard of</span>}
      </>
    ),
  },
  { name: 'Term', isNumeric: true, cell: ({ term }) => figure(term) },
  { name: 'Committed', isNumeric: true, cell: ({ commit }) => figure(commit) },
  { name: 'Behind', isNumeric: true, cell: ({ lag }) => figure(lag) },
  { name: 'For its peers', cell: ({ address }) => address || '–' },
  { name: 'For workers and pages', cell: ({ clientUrl }) => clientUrl || '–' },
];

interface ClusterViewProps {
  readonly coordinator: Coordinator;
  readonly connection: Connection;
}

export function ClusterView({ coordinator, connection }: ClusterViewProps) {
  const status = useSignal<ClusterStatusResponse | undefined>(undefined);
  const list = usePolledList(async () => {
    status.value = await coordinator.clusterStatus();
    return status.value.members;
  });
  return (
    <section class="stack" aria-labelledby="view-title">
      <div class="row spread">
        <h1 id="view-title">Cluster</h1>
        {status.value === undefined ? null : <p class="muted numeric">{summary(status.value)}</p>}
      </div>
      <FailureNotice message={list.error.value} />
      <div class="card">
        <DataTable
          caption="Coordinators of the cluster"
          columns={columns}
          rows={list.items.value}
          keyOf={({ id }) => id}
          empty="No coordinator is known."
        />
      </div>
      <p class="muted small">
        This page talks to {status.value === undefined ? null : <code>{status.value.nodeId}</code>} at{' '}
        {connection.url.value}. Coordinators are added and removed by the command{' '}
        <code>npx gradswarm cluster</code>.
      </p>
    </section>
  );
}

function summary({ leaderId, term, commit }: ClusterStatusResponse): string {
  const leader = leaderId === '' ? 'no leader is known' : `${leaderId} leads`;
  return `${leader}, term ${formatCount(term)}, ${formatCount(commit)} entries committed`;
}
