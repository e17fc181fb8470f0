import { expect, test } from 'vitest'
import { type Chunk, firstRouteOf } from './budget.ts'

const chunk = (imports: string[], about: Partial<Chunk> = {}): Chunk => ({
  code: '',
  imports,
  isEntry: false,
  facadeModuleId: null,
  ...about,
})

test('the first route is the entry, its page, and what both import, once', () => {
  const chunks = new Map([
    ['main.js', chunk(['react.js'], { isEntry: true })],
    ['overview.js', chunk(['react.js', 'chart.js'], { facadeModuleId: '/src/pages/overview/page.tsx' })],
    ['events.js', chunk(['table.js'], { facadeModuleId: '/src/pages/events/page.tsx' })],
    ['react.js', chunk([])],
    ['chart.js', chunk(['react.js'])],
    ['table.js', chunk([])],
  ])
  expect([...firstRouteOf(chunks, '/overview/page.tsx')].sort()).toEqual([
    'chart.js',
    'main.js',
    'overview.js',
    'react.js',
  ])
  expect(() => firstRouteOf(chunks, '/gone/page.tsx')).toThrow('No chunk is the page')
})
