import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { JobStatus } from '../../../shared/protocol/services.ts';
import { formatCount, formatLoss, formatPercent, formatRate } from '../../web/format.ts';
import { ScrollRegion } from '../../web/scroll-region.tsx';
import type { Coordinator } from '../coordinator.ts';
import { documentText } from '../document-text.ts';
import { createJobWatch } from '../job-watch.ts';
import { stateName, timeLeft } from '../job-words.ts';
import { routeHash } from '../route.ts';
import { ExportCard } from './export-card.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { JobControls } from './job-controls.tsx';
import { LossCard } from './loss-card.tsx';
import { PlanCard } from './plan-card.tsx';

interface JobViewProps {
  readonly coordinator: Coordinator;
  readonly jobId: string;
  /** Of the connection: the job is followed anew over each one. */
  readonly generation: ReadonlySignal<number>;
}

export function JobView({ coordinator, jobId, generation }: JobViewProps) {
  const watch = useMemo(() => createJobWatch(coordinator, jobId), [coordinator, jobId]);
  const connection = generation.value;
  useEffect(() => {
    const abort = new AbortController();
    void watch.follow(abort.signal);
    return () => abort.abort();
  }, [watch, connection]);

  const job = watch.status.value;
  return (
    <article class="stack" aria-labelledby="view-title">
      <p class="small">
        <a href={routeHash({ view: 'jobs' })}>All jobs</a>
      </p>
      <FailureNotice message={watch.error.value} />
      {job === undefined ? (
        <h1 id="view-title">{jobId}</h1>
      ) : (
        <>
          <JobHead job={job} coordinator={coordinator} />
          <LossCard curve={watch.curve.value} title={job.title || jobId} />
          <PlanCard plan={watch.plan.value} changes={watch.planChanges.value} />
          <ExportCard coordinator={coordinator} jobId={jobId} version={job.version} />
          <details class="card">
            <summary>Job document</summary>
            <ScrollRegion class="document" label="Job document">
              <pre>{indented(watch.documentJson.value)}</pre>
            </ScrollRegion>
          </details>
        </>
      )}
    </article>
  );
}

function JobHead({ job, coordinator }: { readonly job: JobStatus; readonly coordinator: Coordinator }) {
  return (
    <section class="card stack" aria-label="State">
      <div class="row spread top">
        <div class="stack tight">
          <h1 id="view-title">{job.title || job.jobId}</h1>
          <p class="small muted">
            <code>{job.jobId}</code>, {job.modelKind} with {formatCount(job.parameters)} parameters on{' '}
            {job.dataset}
            {job.owner === '' ? null : `, for ${job.owner}`}
          </p>
        </div>
        <span class={`badge ${job.state}`}>{stateName(job.state)}</span>
      </div>
      {job.stateReason === '' ? null : <p class="notice">{job.stateReason}</p>}
      <div class="stack tight">
        <progress aria-label="Progress of the job" max={1} value={job.fractionDone} />
        <p class="row spread small muted numeric">
          <span>{formatPercent(job.fractionDone, 0)} done</span>
          <span>{timeLeft(job)}</span>
        </p>
      </div>
      <JobFigures job={job} />
      <JobControls job={job} coordinator={coordinator} />
    </section>
  );
}

function JobFigures({ job }: { readonly job: JobStatus }) {
  const progress = job.progress;
  const figures: readonly (readonly [string, string])[] = [
    ['Round', formatCount(job.version)],
    ['Training loss', formatLoss(progress?.trainingLoss ?? Number.NaN)],
    ['Test accuracy', formatPercent(progress?.testAccuracy ?? Number.NaN)],
    ['Samples/s', formatRate(progress?.samplesPerSecond ?? Number.NaN)],
    ['Samples', formatCount(job.samples)],
    ['Workers', formatCount(progress?.workers ?? 0)],
    ['Refused', formatCount(job.refusedContributions)],
    ['Came second', formatCount(job.overtakenContributions)],
    ...ringFigures(job),
  ];
  return (
    <dl class="figures dense">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** In which way rings have summed rounds, where there were some. */
function ringFigures({ ringsDirect, ringsRelayed }: JobStatus): readonly (readonly [string, string])[] {
  if (ringsDirect + ringsRelayed === 0) return [];
  return [
    ['Rings, direct', formatCount(ringsDirect)],
    ['Rings, relayed', formatCount(ringsRelayed)],
  ];
}

function indented(json: string): string {
  try {
    return documentText(JSON.parse(json) as object);
  } catch {
    return json;
  }
}
