import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright';
import type { WorkerStatus } from '../../../client/worker/session/status.ts';
import { projectFolder } from './processes.ts';

const comlink = readFileSync(join(projectFolder, 'node_modules/comlink/dist/esm/comlink.mjs'), 'utf8');

/**
 * Puts a script in the place of the training worker's, which speaks the same interface over the same comlink and
 * tells the given statuses one after the other: every state of the page, in an order that the test chooses.
 */
export async function scriptWorker(page: Page, statuses: readonly WorkerStatus[]): Promise<void> {
  const script = `${comlink}
    const statuses = ${JSON.stringify(statuses)};
    let listener = () => {};
    expose({
      onStatus(next) { listener = next; },
      async start(options) {
        globalThis.startedWith = options;
        for (const status of statuses) await listener(status);
      },
      async stop() { await listener({ ...statuses.at(-1), phase: 'stopped' }); },
    });`;
  await page.route('**/worker-entry*', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      // The page is isolated from other origins, and so must its worker be.
      headers: { 'cross-origin-embedder-policy': 'require-corp' },
      body: script,
    }),
  );
}
