import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeSettings } from '../packages/server/src/config.ts'
import { metrics } from '../packages/server/src/operations/metrics.ts'

const guide = readFileSync(new URL('operations.md', import.meta.url), 'utf8')

it('the guide tells every setting with its default and meaning', () => {
  for (const line of describeSettings().split('\n')) {
    const [, name = '', meaning = '', fallback = ''] =
      /^ {2}(\S+)\s+(.*?)(?: \(default ([^)]*)\))?(?: \[[^\]]*\])?$/.exec(line) ?? []
    const cell = fallback === '' ? '' : `\`${fallback}\``
    expect(guide.replaceAll(/ +/g, ' ')).toContain(`| \`${name}\` | ${cell} | ${meaning}`.replaceAll(/ +/g, ' '))
  }
})

it('the guide tells every metric, and no other', async () => {
  const known = (await metrics().registry.getMetricsAsJSON()).map((metric) => metric.name)
  const own = known.filter((name) => name.startsWith('lictor_'))
  for (const name of own) expect(guide).toContain(name)
  const told = [...guide.matchAll(/\b(?:lictor|nodejs|process)_[a-z0-9_]+/g)].map(([name]) =>
    name.replace(/_(count|bucket|sum)$/, ''),
  )
  expect(told.filter((name) => !known.includes(name))).toEqual([])
})
