import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { describeSettings } from '../packages/server/src/config.ts'
import { createMetrics } from '../packages/server/src/operations/metrics.ts'

const guide = readFileSync(new URL('operations.md', import.meta.url), 'utf8')
const proxy = readFileSync(new URL('nginx.conf', import.meta.url), 'utf8')
const rulesText = readFileSync(new URL('prometheus-alerts.yml', import.meta.url), 'utf8')

it('the guide tells every setting with its default and meaning', () => {
  for (const line of describeSettings().split('\n')) {
    const [, name = '', meaning = '', fallback = ''] =
      /^ {2}(\S+)\s+(.*?)(?: \(default ([^)]*)\))?(?: \[[^\]]*\])?$/.exec(line) ?? []
    const cell = fallback === '' ? '' : `\`${fallback}\``
    expect(guide.replaceAll(/ +/g, ' ')).toContain(`| \`${name}\` | ${cell} | ${meaning}`.replaceAll(/ +/g, ' '))
  }
})

/** What a directive of the proxy's example is set to, wherever it stands. */
const inProxy = (directive: string): string[] =>
  [...proxy.matchAll(new RegExp(`^\\s*${directive}\\s+(.+);`, 'gm'))].map(([, value]) => value ?? '')

it('the example of a proxy has no limit of its own, holds nothing back, and says whom it speaks for', () => {
  // The server alone says how large a body may be: two limits would be two answers to one upload.
  expect(inProxy('client_max_body_size')).toEqual(['0'])
  expect(inProxy('proxy_request_buffering')).toEqual(['off'])
  expect(inProxy('proxy_buffering')).toEqual(['off'])
  const seconds = inProxy('proxy_read_timeout').map((value) => Number(/^(\d+)s$/.exec(value)?.[1]))
  expect(seconds).toHaveLength(1)
  // Between two keepalives of a stream lie 15 seconds.
  expect(seconds[0]).toBeGreaterThanOrEqual(30)
  const sent = inProxy('proxy_set_header').map((value) => value.split(' ')[0])
  expect(sent).toEqual(expect.arrayContaining(['Host', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host']))
  const settings = describeSettings()
  const named = [...proxy.matchAll(/\bLICTOR_[A-Z_]+/g)].map(([name]) => name)
  expect(named.length).toBeGreaterThan(0)
  for (const name of named) expect(settings).toContain(name)
  for (const inside of ['/metrics', '/api/v1/health/ready'])
    expect(proxy).toMatch(new RegExp(`location = ${inside} \\{ deny all; \\}`))
  expect(proxy.split('{').length).toBe(proxy.split('}').length)
})

const metricNames = async () => (await createMetrics().registry.getMetricsAsJSON()).map((metric) => metric.name)
/** Metrics named in a text; a histogram counts by what it is made of, too. */
const named = (text: string): string[] =>
  [...text.matchAll(/\b(?:aegis|lictor|nodejs|process)_[a-z0-9_]+/g)].map(([name]) =>
    name.replace(/_(count|bucket|sum)$/, ''),
  )

it('the guide tells every metric with its meaning, and no other', async () => {
  const known = await metricNames()
  const rows = guide.split('\n').filter((line) => /^\| `(aegis|lictor|nodejs|process)_/.test(line))
  const told = rows.flatMap((row) => named(row.split('|')[1] ?? ''))
  expect(told.toSorted()).toEqual(known.toSorted())
  expect(rows.filter((row) => (row.split('|')[2] ?? '').trim() === '')).toEqual([])
  // A claim of tokens is named like a metric; it is what a setting says unless told otherwise.
  const isDefault = (name: string) => describeSettings().includes(`(default ${name})`)
  expect(named(guide).filter((name) => !known.includes(name) && !isDefault(name))).toEqual([])
})

it('the alert rules ask for metrics and labels there are, and the guide says of each what it means and what to do', async () => {
  const { groups } = parse(rulesText) as {
    groups: { rules: { alert: string; expr: string; for?: string; annotations: { summary: string } }[] }[]
  }
  const rules = groups.flatMap((group) => group.rules)
  const known = await metricNames()
  for (const { alert, expr, annotations } of rules) {
    const asked = named(expr.replaceAll(/"[^"]*"/g, '""'))
    expect([alert, asked.filter((name) => !known.includes(name))]).toEqual([alert, []])
    if (alert !== 'LictorDown') expect(asked).not.toEqual([])
    expect(annotations.summary).not.toBe('')
  }
  const explained = [...guide.matchAll(/^\| `(Lictor\w+)` \| (.+) \| (.+) \|$/gm)].map(([, alert]) => alert)
  expect(explained).toEqual(rules.map(({ alert }) => alert))
})
