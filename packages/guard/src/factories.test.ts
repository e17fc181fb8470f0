import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CompositeSink } from './audit/sinks.ts'
import { precondition } from './builders.ts'
import { Edictum } from './edictum.ts'
import { EdictumConfigError, EdictumDenied } from './errors.ts'
import { listTemplates } from './factories.ts'
import { Verdict } from './index.ts'
import { silentLogger } from './logger.ts'
import { sha256 } from './testing/fake-console.ts'
import { bundle, deny, limit, TOOLS } from './testing/guards.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guard-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const refused = (guard: Edictum, path: string, tool = 'read_file') =>
  guard
    .run(tool, { path }, () => 1)
    .then(
      () => null,
      (error: unknown) => (error as EdictumDenied).decisionName,
    )

describe('fromYaml', () => {
  test('without a path, or with a missing file, is a configuration error', () => {
    expect(() => Edictum.fromYaml()).toThrow(EdictumConfigError)
    let error: unknown
    try {
      Edictum.fromYaml(join(folder, 'none.yaml'))
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(EdictumConfigError)
    expect((error as Error).cause).toMatchObject({ code: 'ENOENT' })
  })

  test('one file: its bytes’ SHA-256 is the policy version, the report is empty', () => {
    const text = bundle([deny('one', 'read_file', '.env')])
    const path = write('a.yaml', text)
    expect(Edictum.fromYaml(path).policyVersion).toBe(sha256(text))
    const [guard, report] = Edictum.fromYaml([path], { returnReport: true })
    expect(guard.policyVersion).toBe(sha256(text))
    expect(report).toEqual({ overriddenContracts: [], observeContracts: [] })
  })

  test('two files: later contracts replace earlier ones, and the version is that of both', async () => {
    const texts = [
      bundle([deny('one', 'read_file', 'a'), deny('two', 'read_file', 'b')]),
      bundle([deny('one', 'read_file', 'c')]),
    ]
    const paths = texts.map((text, index) => write(`${index}.yaml`, text))
    const [guard, report] = Edictum.fromYaml(...(paths as [string, string]), {
      returnReport: true,
      logger: silentLogger,
    })
    expect(guard.policyVersion).toBe(sha256(texts.map(sha256).join(':')))
    expect(report.overriddenContracts).toEqual([
      { contractId: 'one', overriddenBy: paths[1], originalSource: paths[0] },
    ])
    expect([await refused(guard, 'a'), await refused(guard, 'b'), await refused(guard, 'c')]).toEqual([
      null,
      'two',
      'one',
    ])
  })

  test('a layer to observe alongside reports and never decides', async () => {
    const base = write('base.yaml', bundle([deny('one', 'read_file', 'a')]))
    const next = write('next.yaml', `${bundle([deny('one', 'read_file', 'b')])}observe_alongside: true\n`)
    const [guard, report] = Edictum.fromYaml(base, next, { returnReport: true, logger: silentLogger })
    expect(report.observeContracts).toEqual([{ contractId: 'one', enforcedSource: base, observedSource: next }])
    expect(await refused(guard, 'a')).toBe('one')
    await guard.run('read_file', { path: 'b' }, () => 1)
    await guard.run('read_file', { path: 'c' }, () => 1)
    expect(guard.localSink.events.map(({ action, mode, decisionName }) => [action, mode, decisionName])).toEqual([
      ['call_denied', 'enforce', 'one'],
      ['call_allowed', 'enforce', null],
      ['call_would_deny', 'observe', 'one:candidate'],
      ['call_executed', 'enforce', null],
      ['call_allowed', 'enforce', null],
      ['call_allowed', 'observe', 'one:candidate'],
      ['call_executed', 'enforce', null],
    ])
  })

  test('a bundle has at most 1,048,576 bytes', () => {
    const text = `${bundle([deny('one', 'read_file', 'a')])}#`
    const exact = write('exact.yaml', text.padEnd(1_048_576, 'x'))
    expect(Edictum.fromYaml(exact).policyVersion).toHaveLength(64)
    const over = write('over.yaml', text.padEnd(1_048_577, 'x'))
    expect(() => Edictum.fromYaml(over)).toThrow(EdictumConfigError)
    expect(() => Edictum.fromYamlString(text.padEnd(1_048_577, 'x'))).toThrow(EdictumConfigError)
  })

  test('an empty document, a list and broken syntax are configuration errors', () => {
    for (const text of ['', '- a\n', 'a: [', 'kind: Pod'])
      expect(() => Edictum.fromYamlString(text)).toThrow(EdictumConfigError)
  })

  test('tools and mode given in code win over the bundle’s', () => {
    const text = bundle([], { mode: 'observe', tail: TOOLS })
    const plain = Edictum.fromYamlString(text)
    expect([plain.mode, plain.toolRegistry.classify('read_file').sideEffect]).toEqual(['observe', 'read'])
    const own = Edictum.fromYamlString(text, { mode: 'enforce', tools: { read_file: { side_effect: 'write' } } })
    expect([own.mode, own.toolRegistry.classify('read_file').sideEffect]).toEqual(['enforce', 'write'])
  })
})

describe('what a bundle says of observability', () => {
  const text = (block: string) => bundle([], { tail: `observability: ${block}` })

  test('a file receives JSON lines, unless a sink is given in code', async () => {
    const file = join(folder, 'audit.jsonl')
    const guard = Edictum.fromYamlString(text(`{ file: "${file}" }`))
    await guard.run('t', {}, () => 1)
    expect(
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).action),
    ).toEqual(['call_allowed', 'call_executed'])
    const seen: string[] = []
    const own = Edictum.fromYamlString(text(`{ file: "${file}" }`), {
      auditSink: { emit: (event) => void seen.push(event.action) },
    })
    await own.run('t', {}, () => 1)
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(2)
    expect(seen).toHaveLength(2)
  })

  test('stdout: true writes JSON lines there; without the key nothing is written', async () => {
    const lines: string[] = []
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
    try {
      await Edictum.fromYamlString(text('{ stdout: true }')).run('t', {}, () => 1)
      expect(lines.map((line) => JSON.parse(line).action)).toEqual(['call_allowed', 'call_executed'])
      lines.length = 0
      for (const block of ['{ stdout: false }', '{}']) await Edictum.fromYamlString(text(block)).run('t', {}, () => 1)
      expect(lines).toEqual([])
    } finally {
      spy.mockRestore()
    }
    expect(Edictum.fromYamlString(text('{ stdout: false }')).auditSink).toBeInstanceOf(CompositeSink)
  })
})

describe('templates', () => {
  test('are found by name: a user’s folder first, then those built in', () => {
    expect(Edictum.fromTemplate('file-agent').policyVersion).toHaveLength(64)
    const mine = write('file-agent.yaml', bundle([deny('mine', 'read_file', 'x')]))
    write('notes.txt', 'no template')
    const guard = Edictum.fromTemplate('file-agent', { templateDirs: [join(folder, 'missing'), folder] })
    expect(guard.policyVersion).toBe(sha256(readFileSync(mine, 'utf8')))
    expect(listTemplates([folder])[0]).toEqual({ name: 'file-agent', path: mine, builtin: false })
    expect(listTemplates([folder]).filter((template) => template.name === 'file-agent')).toHaveLength(1)
    expect(listTemplates().every((template) => template.builtin)).toBe(true)
  })

  test('an unknown name lists those there are, sorted; a path is refused', () => {
    expect(() => Edictum.fromTemplate('nope')).toThrow(
      /coding-assistant-base, devops-agent, file-agent, nanobot-agent, research-agent/,
    )
    for (const name of ['../x', 'a/b', 'a\\b']) expect(() => Edictum.fromTemplate(name)).toThrow(EdictumConfigError)
  })
})

describe('fromMultiple', () => {
  test('needs a guard; the first contract of an id wins, and is logged', async () => {
    expect(() => Edictum.fromMultiple([])).toThrow(EdictumConfigError)
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) }
    const one = Edictum.fromYamlString(bundle([deny('same', 'read_file', 'a')]), { logger })
    const two = Edictum.fromYamlString(bundle([deny('same', 'read_file', 'b'), deny('more', 'read_file', 'c')]), {
      logger,
    })
    const merged = Edictum.fromMultiple([one, two])
    expect([await refused(merged, 'a'), await refused(merged, 'b'), await refused(merged, 'c')]).toEqual([
      'same',
      null,
      'more',
    ])
    expect(warnings.filter((line) => line.includes('same'))).toHaveLength(1)
    expect(merged.policyVersion).toBe(one.policyVersion)
    expect(one.localSink.events.length).toBe(merged.localSink.events.length)
  })

  test('callbacks, limits and contracts in code come along, principal and hooks do not', async () => {
    const denied: string[] = []
    const one = Edictum.fromYamlString(bundle([limit('few', '{ max_tool_calls: 5 }')]), {
      principal: { role: 'first' },
      hooks: [{ phase: 'before', tool: '*', callback: () => ({ result: 'deny', reason: 'hook' }) }],
      onDeny: (_envelope, _reason, name) => denied.push(String(name)),
    })
    const two = new Edictum({ contracts: [precondition('bad', () => Verdict.fail('no'), { name: 'bad' })] })
    const merged = Edictum.fromMultiple([one, two])
    expect(merged.limits.maxToolCalls).toBe(5)
    await merged.run('t', {}, () => 1)
    expect(merged.localSink.last().principal).toBeNull()
    expect(await refused(merged, 'x', 'bad')).toBe('bad')
    expect(denied).toEqual(['bad'])
  })
})

describe('custom operators and selectors', () => {
  const text = bundle([
    '{ id: risky, type: pre, tool: t, when: { risk.score: { over: 5 } }, then: { effect: deny, message: "Too risky." } }',
  ])
  const customOperators = { over: (value: unknown, bound: unknown) => (Number(value) > Number(bound) ? 'yes' : '') }
  const customSelectors = {
    risk: (envelope: { args: Readonly<Record<string, unknown>> }) => ({ score: envelope.args.score }),
  }
  const load = () => Edictum.fromYamlString(text, { customOperators, customSelectors })

  test('take part in contracts, and are kept over a reload', async () => {
    const guard = load()
    guard.reload(text)
    expect(await guard.run('t', { score: 3 }, () => 1)).toBe(1)
    expect(await guard.run('t', {}, () => 1)).toBe(1)
    await expect(guard.run('t', { score: 9 }, () => 1)).rejects.toBeInstanceOf(EdictumDenied)
  })

  test('unknown ones, built-in names and what is no function are refused', () => {
    expect(() => Edictum.fromYamlString(text, { customSelectors })).toThrow(/risky.*over|over.*risky/)
    expect(() => Edictum.fromYamlString(text, { customOperators: { equals: () => true } })).toThrow(EdictumConfigError)
    expect(() => Edictum.fromYamlString(text, { customOperators: { over: 1 as never } })).toThrow(EdictumConfigError)
    expect(() => Edictum.fromYamlString(text, { customOperators, customSelectors: { args: () => ({}) } })).toThrow(
      EdictumConfigError,
    )
  })

  test('one that throws fires its contract with a policy error', async () => {
    const over = () => {
      throw new Error('boom')
    }
    const guard = Edictum.fromYamlString(text, { customOperators: { over }, customSelectors })
    await expect(guard.run('t', { score: 1 }, () => 1)).rejects.toBeInstanceOf(EdictumDenied)
    expect(guard.localSink.last().policyError).toBe(true)
  })
})

describe('reload', () => {
  test('replaces contracts, limits and version; classifications add up; contracts in code go', async () => {
    const guard = new Edictum({ contracts: [precondition('*', () => Verdict.fail('no'))], limits: { maxToolCalls: 1 } })
    const first = bundle([limit('few', '{ max_tool_calls: 7 }')], { tail: TOOLS })
    guard.reload(first)
    expect([guard.policyVersion, guard.limits.maxToolCalls]).toEqual([sha256(first), 7])
    expect(await guard.run('t', {}, () => 1)).toBe(1)
    guard.reload(Buffer.from(bundle([], { tail: 'tools: { other: { side_effect: pure } }' })))
    expect(guard.limits.maxToolCalls).toBe(200)
    expect(guard.toolRegistry.classify('read_file').sideEffect).toBe('read')
    expect(guard.toolRegistry.classify('other').sideEffect).toBe('pure')
  })

  test('of something invalid throws and changes nothing', () => {
    const guard = Edictum.fromYamlString(bundle([deny('one', 'read_file', 'x')]))
    const before = guard.state
    expect(() => guard.reload('kind: [')).toThrow(EdictumConfigError)
    expect(guard.state).toBe(before)
  })
})

test('close on a local guard does nothing, twice; await using works', async () => {
  await using guard = Edictum.fromYamlString(bundle([]))
  await guard.close()
  await guard.close()
})
