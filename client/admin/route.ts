/** The views of the control page, kept in the URL's fragment so that the browser's back button and links work. */
export type Route =
  | { readonly view: 'jobs' }
  | { readonly view: 'job'; readonly jobId: string }
  | { readonly view: 'submit' }
  | { readonly view: 'workers' }
  | { readonly view: 'datasets' }
  | { readonly view: 'tokens' }
  | { readonly view: 'cluster' };

/** Anything unknown is the list of jobs. */
export function parseRoute(hash: string): Route {
  const [view, argument] = hash.replace(/^#\/?/, '').split('/');
  switch (view) {
    case 'jobs':
      return argument ? { view: 'job', jobId: decode(argument) } : { view: 'jobs' };
    case 'submit':
    case 'workers':
    case 'datasets':
    case 'tokens':
    case 'cluster':
      return { view };
    default:
      return { view: 'jobs' };
  }
}

export function routeHash(route: Route): string {
  return route.view === 'job' ? `#/jobs/${encodeURIComponent(route.jobId)}` : `#/${route.view}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
