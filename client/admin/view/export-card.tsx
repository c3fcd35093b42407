import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { ExportJobResponse } from '../../../shared/protocol/services.ts';
import { formatCount } from '../../web/format.ts';
import { createAction } from '../action.ts';
import type { Coordinator } from '../coordinator.ts';
import { saveBlob } from '../save-blob.ts';
import { FailureNotice } from './failure-notice.tsx';

interface ExportCardProps {
  readonly coordinator: Coordinator;
  readonly jobId: string;
  readonly version: number;
}

/** Has the coordinator write the model's files, then fetches those that are asked for. */
export function ExportCard({ coordinator, jobId, version }: ExportCardProps) {
  const exported = useSignal<ExportJobResponse | undefined>(undefined);
  const write = useMemo(
    () =>
      createAction(async () => {
        exported.value = await coordinator.exportJob(jobId);
      }),
    [coordinator, jobId],
  );
  const fetchFile = useMemo(
    () => createAction(async (file: string) => saveBlob(await coordinator.downloadExport(jobId, file), file)),
    [coordinator, jobId],
  );
  const isBusy = write.isPending.value || fetchFile.isPending.value;
  const files = exported.value;
  return (
    <section class="card stack" aria-labelledby="export-title">
      <div class="row spread">
        <h2 id="export-title">Model</h2>
        <button type="button" aria-disabled={isBusy} onClick={() => void write.run()}>
          Export round {formatCount(version)}
        </button>
      </div>
      <FailureNotice message={write.failure.value?.message ?? fetchFile.failure.value?.message} />
      <div role="status" class="stack tight">
        {write.isPending.value ? <p class="muted">The coordinator writes the files…</p> : null}
        {files === undefined && !write.isPending.value ? (
          <p class="muted small">
            Writes safetensors and, where the model has one, a TensorFlow.js layers model.
          </p>
        ) : null}
        {files === undefined ? null : (
          <>
            <p>
              Round {formatCount(files.version)} is written to <code>{files.directory}</code> on the
              coordinator.
            </p>
            <p class="small muted">
              SHA-256 of the weights: <code class="hash">{files.parametersHash}</code>
            </p>
          </>
        )}
      </div>
      {files === undefined ? null : (
        <ul class="row files">
          {files.files.map((file) => (
            <li key={file}>
              <button type="button" aria-disabled={isBusy} onClick={() => void fetchFile.run(file)}>
                Download {file}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
