import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfiguration } from '../../../server/http/configuration.ts';
import { type CoordinatorOptions, startCoordinator } from '../../../server/main.ts';

function options(folder: string, flags: Readonly<Record<string, string>>): CoordinatorOptions {
  const settings = { port: '0', data: join(folder, 'data'), logLevel: 'silent', ...flags };
  return {
    configuration: loadConfiguration({ flags: settings, environment: {}, workingFolder: folder }),
    compiler: {
      compile() {
        throw new Error('no job is submitted here');
      },
    },
    distFolder: join(folder, 'dist'),
  };
}

test('a start that fails closes what it had opened, so that the folder is free and the process can end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-main-'));
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    other.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await new Promise((resolve) => other.once('listening', resolve));
  const taken = String((other.address() as AddressInfo).port);

  await expect(startCoordinator(options(folder, { port: taken }))).rejects.toMatchObject({
    code: 'portInUse',
    field: '--port',
  });
  expect(process.getActiveResourcesInfo()).not.toContain('MessagePort');
  const nowhere = { tlsCert: join(folder, 'none.pem'), tlsKey: join(folder, 'none.pem') };
  await expect(startCoordinator(options(folder, nowhere))).rejects.toMatchObject({ field: 'tlsCert' });

  const coordinator = await startCoordinator(options(folder, {}));
  expect((await fetch(new URL('readyz', coordinator.url))).status).toBe(200);
  await Promise.all([coordinator.stop(), coordinator.stop()]);
});
