import { resolve } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

const chromium = process.env['GRADSWARM_CHROMIUM'] ?? '/usr/bin/chromium';
const chromiumArguments = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
];

/**
 * Pages are built from `client/` to `dist/browser/index.html` and `dist/admin/index.html`. They name their assets as
 * `../assets/…`, which is `/assets/…` whether a page is served at `/`, at `/admin` or at `/admin/`.
 */
export default defineConfig({
  root: 'client',
  base: './',
  build: {
    outDir: resolve(import.meta.dirname, 'dist'),
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        contributor: resolve(import.meta.dirname, 'client/browser/index.html'),
        admin: resolve(import.meta.dirname, 'client/admin/index.html'),
      },
    },
  },
  worker: { format: 'es' },
  test: {
    projects: [
      {
        root: import.meta.dirname,
        test: {
          name: 'unit',
          include: [
            'test/unit/**/*.test.ts',
            'test/contract/**/*.test.ts',
            'test/sim/**/*.test.ts',
            'test/scenario/**/*.test.ts',
            'test/tidy.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
      {
        root: import.meta.dirname,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        root: import.meta.dirname,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 180_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: chromium, args: chromiumArguments } }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
