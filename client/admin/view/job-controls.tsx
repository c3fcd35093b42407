import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { JobStatus } from '../../../shared/protocol/services.ts';
import { createAction } from '../action.ts';
import type { Coordinator, JobAction } from '../coordinator.ts';
import { actionsIn } from '../job-words.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { FailureNotice } from './failure-notice.tsx';

interface JobControlsProps {
  readonly job: JobStatus;
  readonly coordinator: Coordinator;
}

const actionNames: Readonly<Record<JobAction, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel job',
};

export function JobControls({ job, coordinator }: JobControlsProps) {
  const isConfirming = useSignal(false);
  const control = useMemo(
    () => createAction((action: JobAction) => coordinator.controlJob(job.jobId, action)),
    [coordinator, job.jobId],
  );
  const actions = actionsIn(job.state);
  if (actions.length === 0) return null;
  return (
    <div class="stack tight">
      <div class="row">
        {actions.map((action) => (
          <button
            key={action}
            type="button"
            class={action === 'cancel' ? 'danger' : undefined}
            aria-disabled={control.isPending.value}
            onClick={() => {
              if (action === 'cancel') isConfirming.value = true;
              else void control.run(action);
            }}
          >
            {actionNames[action]}
          </button>
        ))}
      </div>
      <FailureNotice message={control.failure.value?.message} />
      <ConfirmDialog
        isOpen={isConfirming}
        title={`Cancel “${job.title || job.jobId}”?`}
        text="It cannot be resumed. The last committed round is kept and can be exported."
        confirmName="Cancel the job"
        keepName="Keep it running"
        onConfirm={() => void control.run('cancel')}
      />
    </div>
  );
}
