import { templateNames } from '@lictor/contracts/authoring'
import { afterAll, describe, expect, test } from 'vitest'
import { ASK, bundle, createWorkbench, FILES, NO_RM, PII } from './workbench.ts'

const bench = createWorkbench({
  'a.yaml': bundle([NO_RM, PII]),
  'dir/b.yaml': bundle([NO_RM, ASK]),
  'next.yaml': bundle([NO_RM], 'enforce', 'observe_alongside: true\n'),
  'typo.yaml': bundle([
    '{id: c1, type: pre, tool: bash, when: {args.command: {contain: rm}}, then: {effect: deny, message: never}}',
  ]),
  'yaml.yaml': 'apiVersion: [\n',
})
afterAll(() => bench.close())

describe('validate', () => {
  test('counts contracts by type, sorted', async () => {
    const ran = await bench.run('validate', 'a.yaml')
    expect(ran).toMatchObject({ code: 0, out: 'valid  a.yaml  2 contracts (1 post, 1 pre)', err: '' })
    expect((await bench.run('validate', 'a.yaml', '--json')).json()).toEqual({
      files: [{ file: 'a.yaml', valid: true, contracts: 2, breakdown: { post: 1, pre: 1 } }],
      valid: true,
    })
  })

  test('two and more files are composed too, and the report tells what was overridden', async () => {
    const ran = await bench.run('validate', 'a.yaml', 'dir/b.yaml', 'next.yaml', '--json')
    expect(ran.code).toBe(0)
    expect(ran.json()).toMatchObject({
      files: [{ file: 'a.yaml' }, { file: 'b.yaml' }, { file: 'next.yaml' }],
      valid: true,
      composed: {
        contracts: 4,
        breakdown: { post: 1, pre: 3 },
        overrides: [{ contract_id: 'no-rm', overridden_by: 'b.yaml', original_source: 'a.yaml' }],
        observe_contracts: [{ contract_id: 'no-rm', observed_source: 'next.yaml', enforced_source: 'b.yaml' }],
      },
    })
    const { out } = await bench.run('validate', 'a.yaml', 'dir/b.yaml')
    expect(out).toContain('valid  composed  3 contracts (1 post, 2 pre)')
    expect(out).toContain('no-rm: b.yaml replaces the one of a.yaml')
  })

  test('a missing file is reported beside the others', async () => {
    const ran = await bench.run('validate', 'a.yaml', 'no/gone.yaml', '--json')
    expect(ran.code).toBe(1)
    expect(ran.json()).toEqual({
      files: [
        { file: 'a.yaml', valid: true, contracts: 2, breakdown: { post: 1, pre: 1 } },
        { file: 'no/gone.yaml', valid: false, error: 'file not found' },
      ],
      valid: false,
    })
    expect((await bench.run('validate', 'no/gone.yaml')).err).toBe('no/gone.yaml: error: file not found')
  })

  test('an error shows place, line, caret and hint', async () => {
    const ran = await bench.run('validate', 'typo.yaml')
    expect(ran.code).toBe(1)
    expect(ran.out).toBe('')
    const [place, line, caret, hint] = ran.err.split('\n')
    expect(place).toMatch(/^typo\.yaml:6:\d+: error: .*unknown operator 'contain'/)
    expect(line).toContain('6 |   - {id: c1')
    expect((caret as string).indexOf('^') - (line as string).indexOf('|')).toBe(
      Number((place as string).split(':')[2]) + 1,
    )
    expect(hint).toBe("  hint: did you mean 'contains'?")
  })

  test('YAML that cannot be read is an error of the file', async () => {
    const ran = await bench.run('validate', 'yaml.yaml', 'a.yaml', '--json')
    expect(ran.code).toBe(1)
    expect(ran.json()).toMatchObject({ files: [{ valid: false, issues: [{ code: 'yaml_parse' }] }, { valid: true }] })
  })

  test('the exact bytes count: a byte order mark is fine, broken UTF-8 is not', async () => {
    const text = new TextEncoder().encode(bundle([FILES]))
    bench.write('bom.yaml', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text]))
    bench.write('utf8.yaml', Buffer.concat([text, Buffer.from([0x23, 0xff, 0x0a])]))
    expect((await bench.run('validate', 'bom.yaml')).code).toBe(0)
    expect((await bench.run('validate', 'utf8.yaml')).code).toBe(1)
  })

  test('no file: used wrongly', async () => {
    expect((await bench.run('validate')).code).toBe(2)
  })
})

describe('lint', () => {
  test('--strict fails for warnings too, and for nothing else', async () => {
    bench.write('dup.yaml', bundle([NO_RM]).replace('metadata: {name: test}', 'metadata: {name: test, name: again}'))
    expect((await bench.run('lint', 'dup.yaml')).code).toBe(0)
    expect((await bench.run('lint', '--strict', 'dup.yaml')).code).toBe(1)
    expect((await bench.run('lint', '--strict', 'a.yaml')).code).toBe(0)
    expect((await bench.run('lint', '--strict', 'typo.yaml')).code).toBe(1)
    expect((await bench.run('lint', '--strict', 'gone.yaml')).code).toBe(2)
  })

  test('warnings do not fail, errors do', async () => {
    bench.write('dup.yaml', bundle([NO_RM]).replace('metadata: {name: test}', 'metadata: {name: test, name: again}'))
    const warned = await bench.run('lint', 'dup.yaml')
    expect(warned.code).toBe(0)
    expect(warned.out).toContain('dup.yaml:3:')
    expect(warned.out).toContain('0 errors, 1 warning')
    const failed = await bench.run('lint', 'typo.yaml', 'a.yaml', '--json')
    expect(failed.code).toBe(1)
    expect(failed.json()).toMatchObject({
      files: [
        { file: 'typo.yaml', errors: [{ code: 'unknown_operator' }] },
        { file: 'a.yaml', errors: [] },
      ],
      errors: 1,
    })
  })
})

describe('convert', () => {
  const original = `# ours\n${bundle([NO_RM, ASK])}`

  test('prints the other vocabulary, comments kept, and there and back is the same text', async () => {
    bench.write('c.yaml', original)
    const there = await bench.run('convert', 'c.yaml', '--to', 'Ruleset')
    expect(there.code).toBe(0)
    expect(there.out).toMatch(/^# ours\n[\s\S]*kind: Ruleset[\s\S]*rules:[\s\S]*action: block[\s\S]*action: ask/)
    expect(bench.read('c.yaml')).toBe(original)
    bench.write('r.yaml', `${there.out}\n`)
    expect(await bench.run('convert', 'r.yaml', '--to', 'ContractBundle', '--write')).toMatchObject({
      code: 0,
      out: 'r.yaml is a ContractBundle now.',
    })
    expect(bench.read('r.yaml')).toBe(original)
  })

  test('needs a vocabulary there is', async () => {
    expect((await bench.run('convert', 'a.yaml')).code).toBe(2)
    expect((await bench.run('convert', 'a.yaml', '--to', 'Policy')).code).toBe(2)
  })
})

describe('schema, template, version', () => {
  test('schema prints JSON Schema', async () => {
    expect((await bench.run('schema')).json()).toMatchObject({ $schema: expect.stringContaining('json-schema.org') })
  })

  test('every template is listed, shown and valid', async () => {
    const listed = (await bench.run('template', 'list', '--json')).json() as { name: string; contracts: number }[]
    expect(listed.map(({ name }) => name)).toEqual(templateNames)
    for (const { name, contracts } of listed) {
      bench.write(`${name}.yaml`, `${(await bench.run('template', 'show', name)).out}\n`)
      const ran = await bench.run('validate', `${name}.yaml`, '--json')
      expect(ran.json()).toMatchObject({ valid: true, files: [{ contracts }] })
    }
  })

  test('an unknown template names those there are', async () => {
    const ran = await bench.run('template', 'show', 'nope')
    expect(ran.code).toBe(2)
    expect(ran.err).toContain(templateNames.join(', '))
  })

  test('version', async () => {
    expect((await bench.run('version')).out).toMatch(/^lictor \d+\.\d+\.\d+$/)
  })

  test('without arguments: help, exit 0', async () => {
    expect(await bench.run()).toMatchObject({ code: 0, out: expect.stringContaining('Usage: lictor') })
  })
})
