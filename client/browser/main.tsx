import { render } from 'preact';
import { takeFragmentToken } from '../web/fragment-token.ts';
import { mountPoint } from '../web/mount-point.ts';
import { detectCapability, readBrowserFeatures } from './capability.ts';
import { createContribution } from './contribution.ts';
import { createJobsFeed } from './jobs-feed.ts';
import { openWorker } from './open-worker.ts';
import { createPeerConsent } from './peer-consent.ts';
import { ContributorPage } from './view/contributor-page.tsx';

const token = takeFragmentToken(location, history);
const feed = createJobsFeed({
  request: fetch.bind(globalThis),
  isHidden: () => document.hidden,
  homeUrl: new URL('.', location.href).href,
});
const consent = createPeerConsent('RTCPeerConnection' in globalThis, () => localStorage);
const contribution = createContribution(openWorker, consent.isAllowed);

render(
  <ContributorPage
    feed={feed}
    contribution={contribution}
    consent={consent}
    capability={detectCapability(readBrowserFeatures())}
    token={token}
  />,
  mountPoint('page'),
);
feed.start();
