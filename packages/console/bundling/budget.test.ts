import { expect, test } from 'vitest'
import { type Chunk, moreScriptsOf, scriptsOf } from './budget.ts'

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
  expect([...scriptsOf(chunks, '/overview/page.tsx')].sort()).toEqual([
    'chart.js',
    'main.js',
    'overview.js',
    'react.js',
  ])
  expect(() => scriptsOf(chunks, '/gone/page.tsx')).toThrow('No chunk is the page')
})

test('another route asks for what the first has not brought', () => {
  const chunks = new Map([
    ['main.js', chunk(['react.js'], { isEntry: true })],
    ['overview.js', chunk(['chart.js'], { facadeModuleId: '/src/pages/overview/page.tsx' })],
    ['events.js', chunk(['react.js', 'chart.js', 'table.js'], { facadeModuleId: '/src/pages/events/page.tsx' })],
    ['react.js', chunk([])],
    ['chart.js', chunk([])],
    ['table.js', chunk([])],
  ])
  expect([...moreScriptsOf(chunks, '/overview/page.tsx', '/events/page.tsx')].sort()).toEqual(['events.js', 'table.js'])
})
