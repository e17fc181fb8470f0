import { defineConfig } from 'vitest/config'

const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
}
/** A condition that is waited for may take its time: a busy machine is no failure. */
const polling = { expect: { poll: { timeout: 15_000 } } }
const limits = { ...polling, testTimeout: 20_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    // The default leaves one core idle, of two as of many; the tests wait for disks and processes half of their time.
    maxWorkers: '100%',
    projects: [
      {
        ...shared,
        test: {
          ...limits,
          name: 'packages',
          include: [
            'packages/{contracts,guard,aegis,cli,console}/{src,test}/**/*.test.{ts,tsx}',
            'examples/**/*.test.ts',
            'docs/**/*.test.ts',
          ],
        },
      },
      {
        ...shared,
        test: {
          ...limits,
          name: 'server',
          include: ['packages/server/{src,test}/**/*.test.ts'],
          // Their own packages have an export condition `source` as well, which Node cannot load.
          server: { deps: { inline: [/node_modules\/(ai|@ai-sdk|eventsource-parser)\//] } },
          globalSetup: ['packages/server/test/databases.global.ts'],
        },
      },
      {
        ...shared,
        test: {
          ...polling,
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['packages/server/test/databases.global.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
