/** Stands for the suites whose frameworks are not installed: skipped and counted, and in CI a failure. */
import { expect, test } from 'vitest'
import { isInstalled, suites } from './installed.ts'

const missing = suites.filter((suite) => !isInstalled(suite))

for (const { file, framework, place } of missing) {
  test.skipIf(!process.env.CI)(`${file} (npm ci in proofs/adapters/${place} installs ${framework})`, () => {
    expect.fail(`${framework} is not installed in proofs/adapters/${place}`)
  })
}

test.skipIf(missing.length > 0)('the frameworks of every suite are installed', () => {
  expect(missing).toEqual([])
})
