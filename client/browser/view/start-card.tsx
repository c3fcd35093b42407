import { type Signal, useSignalEffect } from '@preact/signals';
import type { PublicJob } from '../../../shared/job/public-job.ts';
import type { WorkerPhase, WorkerStatus } from '../../worker/session/status.ts';
import type { Capability } from '../capability.ts';
import type { Contribution } from '../contribution.ts';
import { describeEngine } from '../engine-words.ts';

interface StartCardProps {
  readonly jobs: readonly PublicJob[];
  readonly coordinatorUrls: () => readonly string[];
  readonly chosenJobId: Signal<string>;
  readonly contribution: Contribution;
  readonly capability: Capability;
  readonly token: string;
}

/** The one button. Everything that computes or connects begins and ends here. */
export function StartCard(props: StartCardProps) {
  const { jobs, coordinatorUrls, chosenJobId, contribution, capability, token } = props;
  const status = contribution.status.value;
  const isActive = contribution.isActive.value;
  const isStopping = status.phase === 'stopping';
  const cannotStart = capability === 'none';
  useSignalEffect(() => {
    document.title = contribution.isActive.value
      ? 'Taking part – Gradswarm'
      : 'Gradswarm – lend your graphics card';
  });

  const toggle = (): void => {
    if (isStopping || cannotStart) return;
    if (isActive) void contribution.stop();
    else void contribution.start(startOptions(coordinatorUrls(), token, chosenJobId.value));
  };

  return (
    <section class="card start" aria-label="Take part">
      <JobChoice jobs={jobs} chosenJobId={chosenJobId} isLocked={isActive} />
      <div class="row">
        <button
          type="button"
          class={isActive ? 'large' : 'primary large'}
          aria-disabled={isStopping || cannotStart}
          aria-describedby="start-status"
          onClick={toggle}
        >
          {buttonWords(status.phase)}
        </button>
        <p id="start-status" class="grow">
          {statusLine(status, capability)}
        </p>
      </div>
      <p class="visually-hidden" role="status">
        {announcement(status)}
      </p>
      {status.phase === 'failed' ? (
        <div class="notice danger" role="alert">
          <strong>Your device no longer takes part</strong>
          <p>{status.lastError || 'It stopped for an unknown reason.'}</p>
          <p>Press “Start again”. If it fails again, reload this page, or try another browser.</p>
        </div>
      ) : null}
    </section>
  );
}

interface JobChoiceProps {
  readonly jobs: readonly PublicJob[];
  readonly chosenJobId: Signal<string>;
  readonly isLocked: boolean;
}

function JobChoice({ jobs, chosenJobId, isLocked }: JobChoiceProps) {
  const running = jobs.filter(({ state }) => state === 'running');
  if (running.length < 2) return null;
  return (
    <div class="field">
      <label for="job-choice">Work for</label>
      <select
        id="job-choice"
        value={chosenJobId.value}
        disabled={isLocked}
        onChange={(event) => {
          chosenJobId.value = event.currentTarget.value;
        }}
      >
        <option value="">any job that needs help</option>
        {running.map((job) => (
          <option key={job.jobId} value={job.jobId}>
            {job.title}
          </option>
        ))}
      </select>
    </div>
  );
}

function startOptions(coordinatorUrls: readonly string[], token: string, jobId: string) {
  return {
    urls: coordinatorUrls,
    token,
    name: 'browser tab',
    backend: 'auto' as const,
    sampleText: true,
    ...(jobId === '' ? {} : { jobId }),
  };
}

function buttonWords(phase: WorkerPhase): string {
  if (phase === 'stopped') return 'Start';
  if (phase === 'failed') return 'Start again';
  return phase === 'stopping' ? 'Stopping…' : 'Stop';
}

/** A worker that had a place and connects again has lost its connection. */
function isReconnecting({ phase, workerId }: WorkerStatus): boolean {
  return phase === 'connecting' && workerId !== '';
}

function statusLine(status: WorkerStatus, capability: Capability) {
  if (status.phase === 'failed') return null;
  if (status.phase === 'stopped') {
    if (capability === 'none') return <span class="muted">This browser cannot take part.</span>;
    return (
      <span class="muted">
        {status.unitsAccepted > 0
          ? 'Nothing runs any more. Thank you!'
          : 'Nothing runs before you press Start, and everything ends when you press Stop.'}
      </span>
    );
  }
  if (isReconnecting(status)) {
    return (
      <span class="warning-text">
        The connection was lost. Trying again; finished work is kept on the coordinator.
      </span>
    );
  }
  return (
    <>
      <span class="phase">{capitalize(status.phaseText)}</span>
      {status.engine === '' ? null : (
        <span class="block muted small">
          On {describeEngine(status.engine, status.device)}
          {status.softwareAdapter ? ' (emulated by your processor)' : null}
        </span>
      )}
    </>
  );
}

/** For screen readers: the coarse state only, so that they are not told of every unit. */
function announcement(status: WorkerStatus): string {
  switch (status.phase) {
    case 'stopped':
      return status.unitsAccepted > 0 ? 'Stopped.' : '';
    case 'failed':
      return '';
    case 'stopping':
      return 'Stopping.';
    case 'starting':
    case 'preparing':
      return 'Getting ready.';
    case 'connecting':
      return isReconnecting(status) ? 'The connection was lost. Connecting again.' : 'Connecting.';
    case 'waiting':
    case 'computing':
      return 'Your device takes part.';
  }
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
