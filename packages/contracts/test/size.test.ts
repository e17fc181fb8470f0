import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

const LARGEST_KIB = 60

test('the whole package with its dependencies, minified, is at most 60 KiB gzip', async () => {
  const build = await rolldown({
    input: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['source', 'browser', 'import'] },
  })
  const { output } = await build.generate({ format: 'esm', minify: true })
  await build.close()
  const code = output.map((one) => (one.type === 'chunk' ? one.code : '')).join('')
  expect(code.length).toBeGreaterThan(10_000)
  expect(output.flatMap((one) => (one.type === 'chunk' ? one.imports : []))).toEqual([])
  expect(gzipSync(code).length / 1024).toBeLessThanOrEqual(LARGEST_KIB)
})
