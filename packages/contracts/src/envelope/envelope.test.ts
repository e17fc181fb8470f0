import { describe, expect, it } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { classifyBash } from './bash.ts'
import { frozenCopy } from './copy.ts'
import { createEnvelope } from './create.ts'
import { createPrincipal } from './principal.ts'
import { ToolRegistry } from './registry.ts'

describe('a tool name', () => {
  it.each(['', 'a/b', 'a\\b', 'a\0', 'a\nb', 'a\u007f', 'a\u0085', 'a\u2028', 'a\u001f'])('%j is refused', (name) => {
    expect(() => createEnvelope(name, {})).toThrow(EdictumConfigError)
  })

  it.each(['a b', 'ü', 'Bash', '__proto__', 'constructor', 'mcp__x'])('%j is accepted', (name) => {
    expect(createEnvelope(name, {}).toolName).toBe(name)
  })
})

describe('an envelope', () => {
  it('has the defaults of the specification', () => {
    expect(createEnvelope('x')).toEqual({
      toolName: 'x',
      args: {},
      callId: '',
      runId: '',
      callIndex: 0,
      parentCallId: null,
      sideEffect: 'irreversible',
      idempotent: false,
      environment: 'production',
      timestamp: '',
      caller: '',
      toolUseId: null,
      principal: null,
      bashCommand: null,
      filePath: null,
      metadata: {},
      described: null,
      passedThrough: null,
      joined: null,
    })
  })

  it('does not change when the caller changes the arguments, metadata or claims afterwards', () => {
    const args = { a: { b: [1, { c: 2 }] } }
    const metadata = { m: { n: 1 } }
    const claims = { roles: ['x'] }
    const envelope = createEnvelope('x', args, { metadata, principal: { claims } })
    args.a.b.push(3)
    metadata.m.n = 2
    claims.roles.push('admin')
    expect(envelope.args).toEqual({ a: { b: [1, { c: 2 }] } })
    expect(envelope.metadata).toEqual({ m: { n: 1 } })
    expect(envelope.principal?.claims).toEqual({ roles: ['x'] })
  })

  it('is frozen to the bottom', () => {
    const envelope = createEnvelope('x', { a: [{ b: 1 }] }, { metadata: { c: {} }, principal: { claims: { d: [] } } })
    const inner = envelope.args.a as unknown[]
    for (const part of [
      envelope,
      envelope.args,
      inner,
      inner[0],
      envelope.metadata.c,
      envelope.principal,
      envelope.principal?.claims,
      envelope.principal?.claims.d,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it('takes the command of Bash, and an empty one when it is missing or no text', () => {
    expect(createEnvelope('Bash', { command: 'ls' }).bashCommand).toBe('ls')
    expect(createEnvelope('Bash', {}).bashCommand).toBe('')
    expect(createEnvelope('Bash', { command: ['rm'] })).toMatchObject({ bashCommand: '', sideEffect: 'irreversible' })
    expect(createEnvelope('bash', { command: 'ls' }).bashCommand).toBeNull()
  })

  it.each(['Read', 'Glob', 'Grep', 'Write', 'Edit'])('takes the file path of %s: file_path, filePath, path', (tool) => {
    expect(createEnvelope(tool, { path: 'p', filePath: 'f', file_path: 'fp' }).filePath).toBe('fp')
    expect(createEnvelope(tool, { path: 'p', filePath: 'f', file_path: '' }).filePath).toBe('f')
    expect(createEnvelope(tool, { path: 'p' }).filePath).toBe('p')
    expect(createEnvelope(tool, {}).filePath).toBeNull()
  })

  it('takes no file path of other tools', () => {
    expect(createEnvelope('read_file', { path: 'p' }).filePath).toBeNull()
  })

  it('classifies by the registry; Bash by its command; an explicit side effect wins', () => {
    const registry = new ToolRegistry([
      ['Look', { side_effect: 'read', idempotent: true }],
      ['Bash', { sideEffect: 'write', idempotent: true }],
    ])
    expect(createEnvelope('Look', {}, { registry })).toMatchObject({ sideEffect: 'read', idempotent: true })
    expect(createEnvelope('look', {}, { registry })).toMatchObject({ sideEffect: 'irreversible', idempotent: false })
    expect(createEnvelope('Bash', { command: 'ls -la' }, { registry })).toMatchObject({
      sideEffect: 'read',
      idempotent: true,
    })
    expect(createEnvelope('Bash', { command: 'ls' }, { registry, sideEffect: 'pure' }).sideEffect).toBe('pure')
  })
})

describe('hostile arguments', () => {
  it('a cycle is kept as a cycle', () => {
    const args: Record<string, unknown> = { a: 1 }
    args.self = args
    const { args: copy } = createEnvelope('x', args)
    expect(copy.self).toBe(copy)
    expect(copy).not.toBe(args)
  })

  it('an own __proto__ key stays a key', () => {
    const { args } = createEnvelope('x', JSON.parse('{"__proto__": {"admin": true}}'))
    expect(Object.keys(args)).toEqual(['__proto__'])
    expect((args as { admin?: boolean }).admin).toBeUndefined()
  })

  it('dates, maps and bytes are copied by value', () => {
    const date = new Date(0)
    const copy = frozenCopy({ date, bytes: new Uint8Array([1]), map: new Map([[1, 2]]) }) as Record<string, unknown>
    expect(copy.date).toEqual(date)
    expect(copy.date).not.toBe(date)
    expect(copy.bytes).toEqual(new Uint8Array([1]))
    expect(copy.map).toEqual(new Map([[1, 2]]))
  })
})

describe('the bash classifier', () => {
  it.each([
    ['', 'read'],
    ['   ', 'read'],
    ['ls', 'read'],
    [' ls -la ', 'read'],
    ['git status', 'read'],
    ['git log --oneline', 'read'],
    ['git  status', 'irreversible'],
    ['find . -delete', 'read'],
    ['git branch -D x', 'read'],
    ['ls &', 'read'],
    ['cat < x', 'read'],
    ['catalog', 'irreversible'],
    ['rm x', 'irreversible'],
    ['ls | rm', 'irreversible'],
    ['ls; rm', 'irreversible'],
    ['ls && rm', 'irreversible'],
    ['ls || rm', 'irreversible'],
    ['echo $HOME', 'irreversible'],
    ['echo `id`', 'irreversible'],
    ['echo $(id)', 'irreversible'],
    ['ls > x', 'irreversible'],
    ['cat << EOF', 'irreversible'],
    ['diff <(ls) x', 'irreversible'],
    ['echo #{x}', 'irreversible'],
    ['ls\nrm', 'irreversible'],
    ['ls\rrm', 'irreversible'],
    ['LS', 'irreversible'],
  ])('%j is %s', (command, expected) => {
    expect(classifyBash(command)).toBe(expected)
  })

  it('a command that is no text is irreversible', () => {
    expect(classifyBash(['ls'])).toBe('irreversible')
    expect(classifyBash(null)).toBe('irreversible')
  })
})

describe('a tool registry', () => {
  it('refuses an unknown side effect', () => {
    expect(() => new ToolRegistry([['x', { side_effect: 'maybe' }]])).toThrow("Tool 'x': unknown side_effect 'maybe'")
  })

  it('takes a tool without side effect as irreversible, and registers in code as write', () => {
    const registry = new ToolRegistry([['x', {}]]).register('y')
    expect(registry.classify('x').sideEffect).toBe('irreversible')
    expect(registry.classify('y').sideEffect).toBe('write')
  })

  it('knows exact names only, and none of a prototype', () => {
    const registry = new ToolRegistry([['mcp_*', { side_effect: 'read' }]])
    expect(registry.classify('mcp_x').sideEffect).toBe('irreversible')
    expect(registry.classify('mcp_*').sideEffect).toBe('read')
    expect(registry.classify('constructor').sideEffect).toBe('irreversible')
  })

  it('a clone changes without the original', () => {
    const registry = new ToolRegistry([['x', { side_effect: 'read' }]])
    registry.clone().register('x', 'pure')
    expect(registry.classify('x').sideEffect).toBe('read')
  })
})

describe('a principal', () => {
  it('reads the names of code and of the wire; anything but text is absent', () => {
    expect(createPrincipal({ user_id: 'u', serviceId: 's', org_id: 'o', role: 'r', ticket_ref: 't' })).toEqual({
      userId: 'u',
      serviceId: 's',
      orgId: 'o',
      role: 'r',
      ticketRef: 't',
      claims: {},
    })
    expect(createPrincipal({ role: 7 as never }).role).toBeNull()
  })
})
