import { expect, test } from 'vitest'
import { collect, type Group, type PageParts } from './page-parts.ts'

const icon = (() => null) as unknown as NonNullable<PageParts['place']>['icon']
const place = (to: string, group: Group, order: number) => ({
  to,
  label: to,
  icon,
  group,
  order,
  key: to,
})

test('places stand by group and order, whatever folder they come from', () => {
  const pages = [
    { place: place('c', 'run', 1) },
    { place: place('b', 'monitor', 2) },
    { place: place('a', 'monitor', 1) },
  ]
  expect(collect([...pages, {}]).places.map(({ to }) => to)).toEqual(['a', 'b', 'c'])
})

test('a live event makes stale what every page says it does', () => {
  const { stale } = collect([
    { refreshes: { stats: ['event_created'] } },
    { refreshes: { events: ['event_created'], bundles: ['bundle_uploaded'] } },
  ])
  expect(stale.get('event_created')).toEqual(['stats', 'events'])
  expect(stale.get('bundle_uploaded')).toEqual(['bundles'])
})

test('what must be counted is known for all pages together', () => {
  expect(collect([{ counted: ['stats'] }, {}, { counted: ['histogram'] }]).counted).toEqual(['stats', 'histogram'])
})
