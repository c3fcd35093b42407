import { useComputed, useSignal } from '@preact/signals';
import type { PublicJob } from '../../../shared/job/public-job.ts';
import { Wordmark } from '../../web/wordmark.tsx';
import type { Capability } from '../capability.ts';
import type { Contribution } from '../contribution.ts';
import { adviseOn } from '../engine-words.ts';
import type { JobsFeed } from '../jobs-feed.ts';
import type { PeerConsent } from '../peer-consent.ts';
import { JobCard } from './job-card.tsx';
import { LiveCard } from './live-card.tsx';
import { PrivacyCard } from './privacy-card.tsx';
import { SampledTextCard } from './sampled-text-card.tsx';
import { StartCard } from './start-card.tsx';

export interface ContributorPageProps {
  readonly feed: JobsFeed;
  readonly contribution: Contribution;
  readonly consent: PeerConsent;
  readonly capability: Capability;
  /** Empty for an anonymous contributor. */
  readonly token: string;
}

export function ContributorPage({ feed, contribution, consent, capability, token }: ContributorPageProps) {
  const chosenJobId = useSignal('');
  const job = useComputed(() =>
    shownJob(feed.jobs.value, contribution.status.value.jobId, chosenJobId.value),
  );
  const advice = adviseOn(capability);
  return (
    <>
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <header class="site">
        <Wordmark />
      </header>
      <main id="content" tabIndex={-1}>
        <JobCard job={job.value} feedState={feed.state.value} />
        {advice === undefined ? null : (
          <section class={`notice ${advice.severity}`} aria-labelledby="advice-title">
            <h2 id="advice-title">{advice.title}</h2>
            <p>{advice.text}</p>
          </section>
        )}
        <StartCard
          jobs={feed.jobs.value}
          coordinatorUrls={feed.coordinatorUrls}
          chosenJobId={chosenJobId}
          contribution={contribution}
          capability={capability}
          token={token}
        />
        <LiveCard contribution={contribution} />
        <SampledTextCard contribution={contribution} />
        <PrivacyCard consent={consent} />
      </main>
      <footer class="muted small">
        <p>
          Gradswarm trains neural networks on hardware that people lend. Close this tab at any moment: no work
          is lost.
        </p>
      </footer>
    </>
  );
}

/** The job at work, else the one chosen, else the newest that runs, else the newest. */
function shownJob(
  jobs: readonly PublicJob[],
  workedOnJobId: string,
  chosenJobId: string,
): PublicJob | undefined {
  const find = (jobId: string) => jobs.find((job) => job.jobId === jobId);
  return find(workedOnJobId) ?? find(chosenJobId) ?? jobs.find(({ state }) => state === 'running') ?? jobs[0];
}
