import type { PublicJob } from '../../../shared/job/public-job.ts';
import { formatCount, formatDuration, formatPercent, formatPlural } from '../../web/format.ts';
import type { FeedState } from '../jobs-feed.ts';

interface JobCardProps {
  readonly job: PublicJob | undefined;
  readonly feedState: FeedState;
}

/** What is being trained, by whom, and how far it is. */
export function JobCard({ job, feedState }: JobCardProps) {
  if (job === undefined) return <NoJob feedState={feedState} />;
  return (
    <section class="stack" aria-labelledby="job-title">
      <div class="stack tight">
        <p class="row small">
          <span class={`badge ${job.state}`}>{stateWords[job.state]}</span>
          {job.owner === '' ? null : <span class="muted">A job of {job.owner}</span>}
        </p>
        <h1 id="job-title">{job.title}</h1>
        {job.description === '' ? null : <p class="lead">{job.description}</p>}
      </div>
      <div class="stack tight">
        <progress aria-label="Progress of the job" max={1} value={job.fractionDone} />
        <p class="row spread small muted numeric">
          <span>
            {formatPercent(job.fractionDone, 0)} done, round {formatCount(job.round)}
            {job.testAccuracy === null ? null : (
              <>, {formatPercent(job.testAccuracy)} right on the test data</>
            )}
          </span>
          <span>
            {job.state === 'running' && job.remainingMs !== null
              ? `about ${formatDuration(job.remainingMs)} left, `
              : null}
            {job.workers === null ? null : `${formatPlural(job.workers, 'device')} at work`}
          </span>
        </p>
      </div>
      {feedState === 'unreachable' ? <Unreachable /> : null}
    </section>
  );
}

const stateWords: Readonly<Record<PublicJob['state'], string>> = {
  running: 'In training',
  paused: 'Paused',
  finished: 'Finished',
  cancelled: 'Cancelled',
  failed: 'Failed',
};

function NoJob({ feedState }: { readonly feedState: FeedState }) {
  if (feedState === 'loading') {
    return (
      <section class="stack">
        <h1>Lend your graphics card</h1>
        <p class="lead muted">Asking what is being trained…</p>
      </section>
    );
  }
  return (
    <section class="stack">
      <h1>Lend your graphics card</h1>
      {feedState === 'unreachable' ? (
        <Unreachable />
      ) : (
        <p class="lead">Nothing is being trained right now. Leave this page open: a new job shows up here.</p>
      )}
    </section>
  );
}

function Unreachable() {
  return (
    <div class="notice warning" role="status">
      <strong>The coordinator does not answer</strong>
      <p>
        This page asks again every few seconds. If it lasts, check your connection, or tell whoever gave you
        this address.
      </p>
    </div>
  );
}
