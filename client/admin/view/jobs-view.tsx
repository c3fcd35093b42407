import type { JobStatus } from '../../../shared/protocol/services.ts';
import { formatLoss, formatPercent, formatPlural, formatRate } from '../../web/format.ts';
import type { Coordinator } from '../coordinator.ts';
import { stateName, timeLeft } from '../job-words.ts';
import { routeHash } from '../route.ts';
import { FailureNotice } from './failure-notice.tsx';
import { usePolledList } from './use-polled-list.ts';

export function JobsView({ coordinator }: { readonly coordinator: Coordinator }) {
  const list = usePolledList(coordinator.listJobs);
  const jobs = list.items.value;
  return (
    <section class="stack" aria-labelledby="view-title">
      <div class="row spread">
        <h1 id="view-title">Jobs</h1>
        <a class="button" href={routeHash({ view: 'submit' })}>
          Submit a job
        </a>
      </div>
      <FailureNotice message={list.error.value} />
      {jobs === undefined ? <p class="muted">Loading…</p> : null}
      {jobs?.length === 0 ? (
        <p class="card muted">There is no job yet. Submit one here, or with: npx gradswarm job submit</p>
      ) : null}
      <ul class="job-list">
        {jobs?.map((job) => (
          <li key={job.jobId} class="card stack tight">
            <JobSummary job={job} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function JobSummary({ job }: { readonly job: JobStatus }) {
  const progress = job.progress;
  return (
    <>
      <div class="row spread">
        <h2>
          <a href={routeHash({ view: 'job', jobId: job.jobId })}>{job.title || job.jobId}</a>
        </h2>
        <span class={`badge ${job.state}`}>{stateName(job.state)}</span>
      </div>
      <p class="small muted">
        <code>{job.jobId}</code>, {job.modelKind} on {job.dataset}
        {job.owner === '' ? null : `, for ${job.owner}`}
      </p>
      <progress aria-label={`Progress of ${job.title || job.jobId}`} max={1} value={job.fractionDone} />
      <p class="row small numeric job-figures">
        <span>{formatPercent(job.fractionDone, 0)}</span>
        <span>loss {formatLoss(progress?.trainingLoss ?? Number.NaN)}</span>
        <span>accuracy {formatPercent(progress?.testAccuracy ?? Number.NaN)}</span>
        <span>{formatRate(progress?.samplesPerSecond ?? Number.NaN)} samples/s</span>
        <span>{formatPlural(progress?.workers ?? 0, 'worker')}</span>
        <span>{timeLeft(job)}</span>
      </p>
    </>
  );
}
