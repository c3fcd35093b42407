import type { DatasetStatus } from '../../../shared/protocol/services.ts';
import { formatBytes, formatCount } from '../../web/format.ts';
import type { Coordinator } from '../coordinator.ts';
import { type Column, DataTable } from './data-table.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { usePolledList } from './use-polled-list.ts';

const columns: readonly Column<DatasetStatus>[] = [
  { name: 'Name', cell: ({ name }) => <code>{name}</code> },
  { name: 'Title', cell: ({ title }) => title || '–' },
  { name: 'Kind', cell: ({ kind }) => kind },
  { name: 'Training', isNumeric: true, cell: ({ trainCount }) => formatCount(trainCount) },
  { name: 'Test', isNumeric: true, cell: ({ testCount }) => formatCount(testCount) },
  { name: 'Size', isNumeric: true, cell: ({ bytes }) => formatBytes(bytes) },
  { name: 'Source', cell: ({ source }) => source || '–' },
];

export function DatasetsView({ coordinator }: { readonly coordinator: Coordinator }) {
  const list = usePolledList(coordinator.listDatasets);
  return (
    <section class="stack" aria-labelledby="view-title">
      <h1 id="view-title">Data sets</h1>
      <FailureNotice message={list.error.value} />
      <div class="card">
        <DataTable
          caption="Imported data sets"
          columns={columns}
          rows={list.items.value}
          keyOf={({ name }) => name}
          empty="No data set is imported."
        />
      </div>
      <p class="muted small">
        To import one: <code>npx gradswarm dataset import</code> takes IDX, CSV, text, and a folder of images
        by class.
      </p>
    </section>
  );
}
