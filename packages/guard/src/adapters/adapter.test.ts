import { describe, expect, test } from 'vitest'
import { EdictumConfigError, EdictumDenied, EdictumToolError } from '../errors.ts'
import { MemoryBackend } from '../storage.ts'
import { approve, deny, guardFrom, post, ScriptedApprovals } from '../testing/guards.ts'
import { Adapter, type AdapterCall, type AdapterOptions } from './adapter.ts'

/** An adapter of no framework. */
class BareAdapter extends Adapter {
  constructor(guard: ReturnType<typeof guardFrom>['guard'], options: AdapterOptions = {}) {
    super(guard, 'bare', options)
  }

  run(toolName: string, input: unknown, execute: (input: unknown) => unknown, more: Partial<AdapterCall> = {}) {
    return this.call({ toolName, input, execute, ...more })
  }

  take(toolName: string, execute: object): void {
    this.register(toolName, execute)
    this.mark(execute)
  }

  elsewhere(toolName: string): void {
    this.registerWithoutFunction(toolName, 'execute')
  }
}

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

const SSN = '\\\\d{3}-\\\\d{2}-\\\\d{4}'

class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly path: string

  constructor(message: string, path: string) {
    super(message)
    this.path = path
  }
}

describe('a refused call', () => {
  test('throws EdictumDenied with the reason as it is told, or answers as the framework wants it', async () => {
    const { guard } = guardFrom([deny('no-env', 'read_file', '.env')])
    const adapter = new BareAdapter(guard)
    const never = () => expect.fail('the tool ran')
    const error = await caught(adapter.run('read_file', { path: '.env' }, never))
    expect(error).toBeInstanceOf(EdictumDenied)
    expect(error).toMatchObject({ message: 'DENIED: .env is off limits (no-env).', decisionName: 'no-env' })
    const answer = await adapter.run('read_file', { path: '.env' }, never, { refused: (text) => ({ error: text }) })
    expect(answer).toEqual({ error: 'DENIED: .env is off limits (no-env).' })
  })

  test('of a guard that cannot judge tells the model that it did not run, and the log why', async () => {
    const backend = new MemoryBackend()
    backend.set('s:x:execs', 'many')
    const { guard, log } = guardFrom([], { backend })
    const adapter = new BareAdapter(guard, { sessionId: 'x' })
    const refused = (text: string) => text
    const answer = await adapter.run('t', {}, () => expect.fail('the tool ran'), { refused })
    expect(answer).toBe('DENIED: The call could not be checked, so it did not run.')
    expect(log.join()).toContain('t did not run: ')
  })

  test('names an argument that cannot be judged', async () => {
    const { guard } = guardFrom([])
    const never = () => expect.fail('the tool ran')
    const answer = new BareAdapter(guard).run('t', { at: new AbortController().signal }, never, {
      refused: (text) => text,
    })
    expect(await answer).toContain("The argument 'at' of tool 't'")
  })

  test('that was taken back while a person was asked throws the reason of whoever took it back', async () => {
    const { guard, actions } = guardFrom([approve('ask', 't')], { approvalBackend: new ScriptedApprovals({}) })
    for (const own of [true, false]) {
      const controller = new AbortController()
      const { signal } = controller
      controller.abort(new Error('enough'))
      const adapter = new BareAdapter(guard, own ? { signal } : {})
      const run = adapter.run('t', { path: 'x' }, () => 1, { refused: (text) => text, ...(own ? {} : { signal }) })
      expect(await caught(run)).toMatchObject({ message: 'enough' })
    }
    expect(actions()).toEqual(['call_cancelled', 'call_cancelled'])
  })
})

describe('a failing tool', () => {
  test('throws an error of its own class, name and fields, whose cause is the EdictumToolError', async () => {
    const { guard } = guardFrom([])
    const thrown = new DiskError('disk full', '/data')
    const fails = () => Promise.reject(thrown)
    const error = await caught(new BareAdapter(guard).run('t', {}, fails))
    expect(error).toBeInstanceOf(DiskError)
    expect(error).toMatchObject({ name: 'DiskError', message: 'disk full', path: '/data', stack: thrown.stack })
    expect((error as Error).cause).toBeInstanceOf(EdictumToolError)
    expect(((error as Error).cause as Error).cause).toBe(thrown)
    const other = await caught(new BareAdapter(guard, { toolErrors: 'edictum' }).run('t', {}, fails))
    expect(other).toBeInstanceOf(EdictumToolError)
    expect((other as Error).cause).toBe(thrown)
  })

  test('whose text was redacted brings nothing of the original but class and name', async () => {
    const { guard } = guardFrom([post('ssn', 'read_file', SSN, 'redact')])
    const fails = () => Promise.reject(new DiskError('row 123-45-6789', '/123-45-6789'))
    const error = (await caught(new BareAdapter(guard).run('read_file', {}, fails))) as DiskError
    expect(error).toMatchObject({ name: 'DiskError', message: 'row [REDACTED]' })
    const cause = error.cause as EdictumToolError
    expect([error.path, cause.cause, cause.result]).toEqual([undefined, undefined, undefined])
    expect(`${error.stack}${cause.stack}`).not.toContain('123-45-6789')
  })

  test('that threw no error throws one', async () => {
    const { guard } = guardFrom([])
    const error = await caught(new BareAdapter(guard).run('t', {}, () => Promise.reject('plain')))
    expect(error).toMatchObject({ name: 'Error', message: 'plain' })
  })

  test('that says so by its result hands on that result, redacted in its own form', async () => {
    const { guard, sink } = guardFrom([post('ssn', 'read_file', SSN, 'redact')])
    const adapter = new BareAdapter(guard)
    const failing = { isError: true, content: [{ type: 'text', text: 'row 123-45-6789' }] }
    expect(await adapter.run('read_file', {}, () => failing)).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'row [REDACTED]' }],
    })
    expect(await adapter.run('other', {}, () => failing)).toBe(failing)
    expect(await adapter.run('other', {}, () => 'Error: no such file')).toBe('Error: no such file')
    expect(sink.last().action).toBe('call_failed')
  })
})

describe('what a tool returns', () => {
  async function* pieces(...of: unknown[]) {
    yield* of
  }

  test('is read to its end where it is a stream, and judged as a whole', async () => {
    const { guard, actions } = guardFrom([post('ssn', 'read_file', SSN, 'redact')])
    const adapter = new BareAdapter(guard)
    const read = (output: unknown) => adapter.run('read_file', {}, () => output)
    expect(await read(pieces('ssn 123-45', '-6789'))).toBe('ssn [REDACTED]')
    expect(await read(ReadableStream.from([Buffer.from('ssn 123-'), Buffer.from('45-6789')]))).toBe('ssn [REDACTED]')
    expect(await read(new Response('ssn 123-45-6789'))).toBe('ssn [REDACTED]')
    expect(await read(['ssn 123-45-6789'].values())).toBe('ssn [REDACTED]')
    expect(await read(pieces({ n: 1 }, { text: '123-45-6789' }))).toEqual([{ n: 1 }, { text: '[REDACTED]' }])
    expect(await read(pieces())).toBe('')
    expect(new Set(actions())).toEqual(new Set(['call_allowed', 'call_executed']))
  })

  test('is the last piece of a generator, or what it returned, where the framework takes that', async () => {
    const { guard } = guardFrom([])
    const adapter = new BareAdapter(guard)
    async function* returning() {
      yield 'half'
      return 'whole'
    }
    expect(await adapter.run('t', {}, () => pieces('one', 'two'), { keep: 'last' })).toBe('two')
    expect(await adapter.run('t', {}, returning, { keep: 'returned' })).toBe('whole')
    expect(await adapter.run('t', {}, () => pieces('a', 'b'), { keep: 'returned' })).toBe('ab')
    expect(await adapter.run('t', {}, () => ReadableStream.from(['a', 'b']), { keep: 'last' })).toBe('ab')
  })

  test('fails with the stream that fails', async () => {
    const { guard, sink } = guardFrom([])
    async function* breaking() {
      yield 'half'
      throw new DiskError('disk full', '/data')
    }
    expect(await caught(new BareAdapter(guard).run('t', {}, breaking))).toBeInstanceOf(DiskError)
    expect(sink.last().action).toBe('call_failed')
  })
})

describe('a call', () => {
  test('hands the tool what was judged, in the form in which it came', async () => {
    const { guard, sink } = guardFrom([])
    const adapter = new BareAdapter(guard)
    for (const input of [{ path: 'x' }, 'text', ['a'], 3, null, undefined]) {
      expect(await adapter.run('t', input, (judged) => ({ judged }))).toEqual({ judged: input })
    }
    expect(sink.events.map(({ toolArgs }) => toolArgs)).toContainEqual({ input: 'text' })
  })

  test('belongs to the session and the principal of its adapter', async () => {
    const { guard, sink } = guardFrom([], { principal: { role: 'guard' } })
    const adapter = new BareAdapter(guard)
    const role = async () => {
      await adapter.run('t', {}, () => 1)
      return sink.last().principal?.role ?? null
    }
    expect(await role()).toBe('guard')
    adapter.setPrincipal({ role: 'ann' })
    expect(await role()).toBe('ann')
    adapter.setPrincipal(null)
    expect(await role()).toBeNull()
    expect(new Set(sink.events.map(({ runId }) => runId))).toEqual(new Set([adapter.sessionId]))
    expect(adapter.sessionId).not.toBe(guard.sessionId)
    expect(new BareAdapter(guard, { sessionId: 'talk-1' }).sessionId).toBe('talk-1')
  })

  test('that its framework stops, to go on later, counts no execution and no failure', async () => {
    const backend = new MemoryBackend()
    const { guard, actions } = guardFrom([], { backend })
    const paused = new Error('interrupt')
    const adapter = new BareAdapter(guard, { sessionId: 's' })
    const run = adapter.run('t', {}, () => Promise.reject(paused), { isControlFlow: (thrown) => thrown === paused })
    expect(await caught(run)).toBe(paused)
    expect(actions()).toEqual(['call_allowed', 'call_cancelled'])
    expect([backend.get('s:s:execs'), backend.get('s:s:consec_fail')]).toEqual([null, null])
  })
})

describe('tools that adapters were given', () => {
  test('are covered by the contracts that look at them; the rest is ungoverned', () => {
    const { guard } = guardFrom([deny('no-env', 'read_*', '.env'), deny('seen', 'write_file', 'x', ', mode: observe')])
    const adapter = new BareAdapter(guard, { ungoverned: ['ask_user'] })
    for (const name of ['read_file', 'write_file', 'send_mail']) adapter.take(name, () => name)
    adapter.elsewhere('ask_user')
    const { tools, ...counts } = guard.coverage()
    expect(tools.map(({ toolName, status, contracts }) => [toolName, status, ...contracts])).toEqual([
      ['send_mail', 'ungoverned'],
      ['ask_user', 'ungoverned'],
      ['write_file', 'observed', 'seen'],
      ['read_file', 'enforced', 'no-env'],
    ])
    expect(counts).toEqual({ enforced: 1, observed: 1, ungoverned: 2 })
    expect(guard.ungoverned().map(({ toolName, elsewhere }) => [toolName, elsewhere])).toEqual([
      ['send_mail', null],
      ['ask_user', 'it has no function here'],
    ])
    expect(guardFrom([]).guard.coverage()).toEqual({ tools: [], enforced: 0, observed: 0, ungoverned: 0 })
  })

  test('are held once, and are not taken without a function', () => {
    const { guard } = guardFrom([])
    const adapter = new BareAdapter(guard)
    const execute = () => 1
    adapter.take('t', execute)
    expect(() => adapter.take('t', execute)).toThrow(EdictumConfigError)
    expect(() => adapter.elsewhere('ask_user')).toThrow("The tool 'ask_user' has no 'execute'")
  })
})
