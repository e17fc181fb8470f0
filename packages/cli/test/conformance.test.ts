import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createWorkbench } from './workbench.ts'

const bench = createWorkbench({
  'good/deep/a.fixtures.yaml': suite('allowed'),
  'bad/b.fixtures.yml': suite('denied'),
  'none/readme.txt': 'nothing',
})
afterAll(() => bench.close())

function suite(verdict: string): string {
  return `suite: s
version: 1
description: d
fixtures:
  - id: case-1
    description: nothing forbids it
    contract:
      apiVersion: edictum/v1
      kind: Ruleset
      metadata: {name: t}
      defaults: {mode: enforce}
      rules: [{id: r, type: pre, tool: x, when: {args.a: {equals: 1}}, then: {action: block, message: m}}]
    envelope: {tool_name: y, arguments: {}}
    expected: {verdict: ${verdict}}
`
}

describe('conformance', () => {
  test('takes every fixture file below the folder and closes with the counts', async () => {
    expect(await bench.run('conformance', 'good')).toMatchObject({ code: 0, out: '1 passed, 0 failed' })
  })

  test('a failure tells file, case, expected and got', async () => {
    const file = join(bench.folder, 'bad/b.fixtures.yml')
    const ran = await bench.run('conformance', '.')
    expect(ran.code).toBe(1)
    expect(ran.out.split('\n')).toEqual([
      `FAIL  ${file}: case-1  nothing forbids it`,
      '      expected  denied',
      expect.stringMatching(/^ {6}got {7}allowed/),
      '1 passed, 1 failed',
    ])
    expect((await bench.run('conformance', 'bad', '--json')).json()).toMatchObject({
      passed: 0,
      failed: 1,
      failures: [{ file, case: 'case-1', expected: 'denied' }],
    })
  })

  test('a folder without fixtures fails, a missing one is used wrongly', async () => {
    const empty = await bench.run('conformance', 'none')
    expect(empty.code).toBe(1)
    expect(empty.out).toContain('0 passed, 1 failed')
    expect((await bench.run('conformance', 'gone')).code).toBe(2)
  })
})

const root = join(import.meta.dirname, '../../..')
const folders = {
  'the published fixtures': join(root, '../shared/conformance'),
  'the cases of this repository': join(root, 'packages/contracts/conformance'),
}

describe.each(Object.entries(folders))('%s', (_, folder) => {
  test.skipIf(!existsSync(folder))('all pass', async () => {
    const ran = await bench.run('conformance', folder, '--json')
    expect(ran.json()).toMatchObject({ failed: 0, failures: [] })
    expect(ran.code).toBe(0)
  })
})
