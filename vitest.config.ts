import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const shared = {
  resolve: { conditions: ['@lictor/source'] },
  ssr: { resolve: { conditions: ['@lictor/source', 'node'] } },
}
/** Programs that tests start, most of them this server, read what Node compiled of them before. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled')
/** A condition that is waited for may take its time, and so may a test: a busy machine is no failure. These limits end what hangs. */
const polling = { expect: { poll: { timeout: 60_000 } } }
/** In CI a test that fails is tried twice more. The report marks it with `retry`: a fault to mend, which does not hold up the rest. */
const again = { retry: process.env.CI ? 2 : 0 }
const limits = { ...polling, ...again, testTimeout: 120_000, hookTimeout: 240_000 }

/** The adapters' proofs, or a copy of them with other versions. Their frameworks are installed apart, by `npm ci` in those folders. */
const proofs = process.env.LICTOR_ADAPTER_PROOFS ?? 'proofs/adapters'
const { isInstalled, suites }: typeof import('./proofs/adapters/installed.ts') = await import(
  join(import.meta.dirname, proofs, 'installed.ts')
)
const proven = [...new Set(suites.filter(isInstalled).map(({ file }) => file))]

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
          isolate: false,
          include: [
            'packages/{contracts,wire,guard,seal,mcp,aegis,cli,console}/{src,test}/**/*.test.{ts,tsx}',
            'packages/console/bundling/**/*.test.ts',
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
          isolate: false,
          include: ['packages/server/{src,test}/**/*.test.ts'],
          globalSetup: ['packages/server/test/databases.global.ts'],
        },
      },
      {
        test: {
          ...limits,
          name: 'adapters',
          include: [...proven, ...(proven.length > 0 ? ['examples.test.ts'] : []), 'types.test.ts', 'missing.ts'].map(
            (file) => `${proofs}/${file}`,
          ),
          globalSetup: [`${proofs}/global.ts`],
        },
      },
      {
        ...shared,
        test: {
          ...polling,
          ...again,
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['packages/server/test/databases.global.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
})
