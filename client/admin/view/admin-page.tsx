import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Wordmark } from '../../web/wordmark.tsx';
import type { Connection } from '../connection.ts';
import type { Coordinator } from '../coordinator.ts';
import { type Route, routeHash } from '../route.ts';
import { ClusterView } from './cluster-view.tsx';
import { DatasetsView } from './datasets-view.tsx';
import { JobView } from './job-view.tsx';
import { JobsView } from './jobs-view.tsx';
import { SignIn } from './sign-in.tsx';
import { SubmitView } from './submit-view.tsx';
import { TokensView } from './tokens-view.tsx';
import { WorkersView } from './workers-view.tsx';

export interface AdminPageProps {
  readonly connection: Connection;
  readonly coordinator: Coordinator;
  readonly route: ReadonlySignal<Route>;
}

const navigation = [
  { view: 'jobs', name: 'Jobs' },
  { view: 'workers', name: 'Workers' },
  { view: 'datasets', name: 'Data sets' },
  { view: 'tokens', name: 'Tokens' },
  { view: 'cluster', name: 'Cluster' },
] as const;

export function AdminPage({ connection, coordinator, route }: AdminPageProps) {
  const state = connection.state.value;
  useViewChange(route.value);
  if (state === 'signedOut' || connection.generation.value === 0) return <SignIn connection={connection} />;
  return (
    <>
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <header class="site">
        <Wordmark />
        <nav aria-label="Views">
          <ul>
            {navigation.map(({ view, name }) => (
              <li key={view}>
                <a
                  href={routeHash({ view })}
                  aria-current={isCurrent(route.value, view) ? 'page' : undefined}
                >
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <button type="button" onClick={() => connection.signOut()}>
          Sign out
        </button>
        <ConnectedTo connection={connection} />
      </header>
      <div role="status">
        {state === 'connected' ? null : (
          <p class="notice warning">
            The connection to the coordinator was lost. Connecting again; what you see may be old.{' '}
            {connection.trouble.value}
          </p>
        )}
      </div>
      <main id="content" tabIndex={-1}>
        <CurrentView connection={connection} coordinator={coordinator} route={route.value} />
      </main>
    </>
  );
}

/** Which of several coordinators this page talks to. */
function ConnectedTo({ connection }: { readonly connection: Connection }) {
  if (connection.coordinatorUrls.value.length < 2) return null;
  return (
    <p class="connected-to muted small">
      Leader: <span class="numeric">{new URL(connection.url.value).host}</span>
    </p>
  );
}

/** Screen readers go on from the new view, not from the link that opened it; and the tab is named after it. */
function useViewChange(route: Route): void {
  const hash = routeHash(route);
  const shownHash = useRef(hash);
  useEffect(() => {
    document.title = `${viewTitle(route)} – Gradswarm`;
    if (shownHash.current !== hash) document.getElementById('content')?.focus();
    shownHash.current = hash;
  }, [hash]);
}

function viewTitle(route: Route): string {
  if (route.view === 'job') return route.jobId;
  if (route.view === 'submit') return 'Submit a job';
  return navigation.find(({ view }) => view === route.view)?.name ?? 'Control';
}

interface CurrentViewProps {
  readonly connection: Connection;
  readonly coordinator: Coordinator;
  readonly route: Route;
}

function CurrentView({ connection, coordinator, route }: CurrentViewProps) {
  switch (route.view) {
    case 'jobs':
      return <JobsView coordinator={coordinator} />;
    case 'job':
      return (
        <JobView
          key={route.jobId}
          coordinator={coordinator}
          jobId={route.jobId}
          generation={connection.generation}
        />
      );
    case 'submit':
      return <SubmitView coordinator={coordinator} />;
    case 'workers':
      return <WorkersView coordinator={coordinator} />;
    case 'datasets':
      return <DatasetsView coordinator={coordinator} />;
    case 'tokens':
      return <TokensView coordinator={coordinator} />;
    case 'cluster':
      return <ClusterView coordinator={coordinator} connection={connection} />;
  }
}

function isCurrent(route: Route, view: Route['view']): boolean {
  return route.view === view || (view === 'jobs' && (route.view === 'job' || route.view === 'submit'));
}
