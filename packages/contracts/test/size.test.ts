import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

/** KiB of minified code after gzip, with all it needs. */
async function sizeOf(...entries: string[]): Promise<number> {
  const build = await rolldown({
    input: entries.map((entry) => fileURLToPath(new URL(`../src/${entry}`, import.meta.url))),
    platform: 'browser',
    resolve: { conditionNames: ['@lictor/source', 'browser', 'import'] },
  })
  const { output } = await build.generate({ format: 'esm', minify: true })
  await build.close()
  const chunks = output.flatMap((one) => (one.type === 'chunk' ? [one] : []))
  const names = new Set(chunks.map(({ fileName }) => fileName))
  expect(chunks.flatMap(({ imports }) => imports).filter((name) => !names.has(name))).toEqual([])
  return chunks.reduce((sum, { code }) => sum + gzipSync(code).length, 0) / 1024
}

test('loading and deciding is at most 68 KiB gzip', async () => {
  const size = await sizeOf('index.ts')
  expect(size).toBeGreaterThan(10)
  expect(size).toBeLessThanOrEqual(68)
})

test('the whole package is at most 98 KiB gzip', async () => {
  expect(await sizeOf('index.ts', 'authoring.ts', 'gates/index.ts', 'conformance/index.ts')).toBeLessThanOrEqual(98)
})
