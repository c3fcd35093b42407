import type { WorkerStatus } from '../../../shared/protocol/services.ts';
import { formatBytes, formatCount, formatRate } from '../../web/format.ts';
import type { Coordinator } from '../coordinator.ts';
import { type Column, DataTable } from './data-table.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { usePolledList } from './use-polled-list.ts';

const columns: readonly Column<WorkerStatus>[] = [
  {
    name: 'Name',
    cell: (worker) => (
      <>
        {worker.name || worker.workerId.slice(0, 8)}{' '}
        {worker.quarantined ? <span class="badge failed">set aside</span> : null}
      </>
    ),
  },
  { name: 'Home', cell: ({ home }) => home },
  { name: 'Device', cell: ({ device }) => device || '–' },
  { name: 'Engine', cell: ({ determinismClass }) => determinismClass?.engine ?? '–' },
  { name: 'Job', cell: ({ jobId }) => jobId || '–' },
  { name: 'Codec', cell: ({ codec }) => codec || '–' },
  { name: 'Uplink', isNumeric: true, cell: (worker) => uplink(worker) },
  { name: 'Samples/s', isNumeric: true, cell: (worker) => formatRate(worker.samplesPerSecond) },
  { name: 'Accepted', isNumeric: true, cell: (worker) => formatCount(worker.unitsAccepted) },
  { name: 'Refused', isNumeric: true, cell: (worker) => formatCount(worker.unitsRefused) },
];

function uplink({ uplinkBytesPerSecond }: WorkerStatus): string {
  return uplinkBytesPerSecond > 0 ? `${formatBytes(uplinkBytesPerSecond)}/s` : '–';
}

export function WorkersView({ coordinator }: { readonly coordinator: Coordinator }) {
  const list = usePolledList(coordinator.listWorkers);
  const workers = list.items.value;
  const rate = workers?.reduce((sum, { samplesPerSecond }) => sum + samplesPerSecond, 0) ?? 0;
  return (
    <section class="stack" aria-labelledby="view-title">
      <div class="row spread">
        <h1 id="view-title">Workers</h1>
        {workers === undefined ? null : (
          <p class="muted numeric">
            {formatCount(workers.length)} connected, {formatRate(rate)} samples/s
          </p>
        )}
      </div>
      <FailureNotice message={list.error.value} />
      <div class="card">
        <DataTable
          caption="Connected workers"
          columns={columns}
          rows={workers}
          keyOf={({ workerId }) => workerId}
          empty="No worker is connected. Open the contributor page and press Start, or run: gradswarm worker"
        />
      </div>
    </section>
  );
}
