import { compilePolicy, createEnvelope, denySensitiveReads, loadBundle } from '@lictor/contracts'
import { describe, expect, test } from 'vitest'
import { postcondition, precondition, sessionContract } from './builders.ts'
import { Edictum } from './edictum.ts'
import { EdictumConfigError, EdictumDenied } from './errors.ts'
import { HookDecision } from './hooks.ts'
import { Verdict } from './index.ts'
import { silentLogger } from './logger.ts'
import type { EdictumOptions } from './options.ts'
import type { Session } from './session.ts'
import { MemoryBackend } from './storage.ts'
import { approve, bundle, countingTool, deny, guardFrom, limit } from './testing/guards.ts'

const guardOf = (options: EdictumOptions) => new Edictum({ logger: silentLogger, ...options })
const denialOf = (guard: Edictum, tool = 't', args: object = {}) =>
  guard
    .run(tool, args, () => 1)
    .then(
      () => null,
      (error: unknown) => {
        if (!(error instanceof EdictumDenied)) throw error
        return [error.decisionSource, error.decisionName]
      },
    )

describe('limits', () => {
  test('max_attempts: 3 denies the third call', async () => {
    const { guard } = guardFrom([limit('tries', '{ max_attempts: 3 }')])
    expect(await denialOf(guard)).toBeNull()
    expect(await denialOf(guard)).toBeNull()
    expect(await denialOf(guard)).toEqual(['attempt_limit', 'max_attempts'])
  })

  test('limits given in code allow exactly so many executions, and count denied calls as attempts only', async () => {
    const guard = guardOf({ limits: { maxToolCalls: 2 }, contracts: [precondition('bad', () => Verdict.fail('no'))] })
    expect(await denialOf(guard, 'bad')).toEqual(['precondition', 'anonymous'])
    expect(await denialOf(guard)).toBeNull()
    expect(await denialOf(guard)).toBeNull()
    expect(await denialOf(guard)).toEqual(['operation_limit', 'max_tool_calls'])
  })

  test('a tool’s own limit leaves the others alone; constructor is a tool like any other', async () => {
    const guard = guardOf({ limits: { maxCallsPerTool: { a: 1 } } })
    expect(await denialOf(guard, 'a')).toBeNull()
    expect(await denialOf(guard, 'a')).toEqual(['operation_limit', 'max_calls_per_tool:a'])
    expect(await denialOf(guard, 'b')).toBeNull()
    expect(await denialOf(guard, 'constructor')).toBeNull()
    expect(await denialOf(guard, 'toString')).toBeNull()
  })

  test('the setter changes what the next call may', async () => {
    const guard = guardOf({})
    guard.limits = { maxToolCalls: 1 }
    expect(await denialOf(guard)).toBeNull()
    expect(await denialOf(guard)).toEqual(['operation_limit', 'max_tool_calls'])
    guard.limits = { maxToolCalls: 5 }
    expect(await denialOf(guard)).toBeNull()
  })

  test('counters are read in one batch, the tool’s only where a limit needs it', async () => {
    const reads: (readonly string[])[] = []
    const memory = new MemoryBackend()
    const backend = {
      get: (key: string) => memory.get(key),
      set: () => {},
      delete: (key: string) => memory.delete(key),
      increment: (key: string, amount?: number) => memory.increment(key, amount),
      batchGet: (keys: readonly string[]) => {
        reads.push(keys)
        return memory.batchGet(keys)
      },
    }
    const guard = guardOf({ backend, limits: { maxCallsPerTool: { limited: 9 } } })
    await guard.run('free', {}, () => 1, { sessionId: 's' })
    await guard.run('limited', {}, () => 1, { sessionId: 's' })
    // The attempts are known from counting this one.
    expect(reads).toEqual([['s:s:execs'], ['s:s:execs', 's:s:tool:limited']])
    expect(memory.get('s:s:attempts')).toBe('2')
  })
})

describe('order', () => {
  const everything = (without: readonly string[]): EdictumOptions => ({
    backend: Object.assign(new MemoryBackend(), { readNow: () => 5, increment: () => 6 }),
    limits: {
      ...(without.includes('attempts') ? {} : { maxAttempts: 5 }),
      ...(without.includes('calls') ? {} : { maxToolCalls: 5 }),
      maxCallsPerTool: { t: 5 },
    },
    ...(without.includes('hook')
      ? {}
      : { hooks: [{ phase: 'before', tool: '*', name: 'hook', callback: () => HookDecision.deny('hook') }] }),
    contracts: [
      ...(without.includes('pre') ? [] : [precondition('*', () => Verdict.fail('pre'), { name: 'pre' })]),
      ...(without.includes('session') ? [] : [sessionContract(() => Verdict.fail('session'), { name: 'session' })]),
    ],
  })

  test('attempts, hooks, preconditions, session contracts, executions, executions of the tool', async () => {
    const without: string[] = []
    const sources: unknown[] = []
    for (const next of ['attempts', 'hook', 'pre', 'session', 'calls', '']) {
      sources.push(await denialOf(guardOf(everything(without))))
      without.push(next)
    }
    expect(sources).toEqual([
      ['attempt_limit', 'max_attempts'],
      ['hook', 'hook'],
      ['precondition', 'pre'],
      ['session_contract', 'session'],
      ['operation_limit', 'max_tool_calls'],
      ['operation_limit', 'max_calls_per_tool:t'],
    ])
  })

  test('the first denial ends it: later contracts leave no record', async () => {
    const { guard, sink } = guardFrom([deny('one', 't', 'x'), deny('two', 't', 'x'), deny('three', 't', 'x')])
    await denialOf(guard, 't', { path: 'x' })
    expect(sink.last().contractsEvaluated.map((record) => record.name)).toEqual(['one'])
  })

  test('a denial after a contract that asks denies: no human is troubled', async () => {
    const { guard } = guardFrom([approve('ask', 't'), deny('never', 't', '.env')])
    expect(await denialOf(guard, 't', { path: '.env' })).toEqual(['yaml_precondition', 'never'])
  })
})

describe('contracts in code', () => {
  test('a check that throws denies with a policy error; one that answers later is waited for', async () => {
    const guard = guardOf({
      contracts: [
        precondition('broken', () => {
          throw new Error('boom')
        }),
        precondition('slow', async () => Verdict.fail('later', { tags: ['x'] })),
      ],
    })
    expect(await denialOf(guard, 'broken')).toEqual(['precondition', 'anonymous'])
    expect(guard.localSink.last()).toMatchObject({ policyError: true, reason: 'Precondition error: boom' })
    expect(await denialOf(guard, 'slow')).toEqual(['precondition', 'anonymous'])
    expect(guard.localSink.last()).toMatchObject({ reason: 'later', policyError: false })
  })

  test('a when that throws does not keep a contract from denying', async () => {
    const when = () => {
      throw new Error('when')
    }
    expect(
      await denialOf(guardOf({ contracts: [precondition('*', () => Verdict.fail('no'), { when })] })),
    ).not.toBeNull()
  })

  test('session contracts see the session', async () => {
    const check = async (session: Session) =>
      (await session.executionCount()) < 1 ? Verdict.pass() : Verdict.fail('once')
    const guard = guardOf({ contracts: [sessionContract(check, { name: 'once' })] })
    expect(await denialOf(guard)).toBeNull()
    expect(await denialOf(guard)).toEqual(['session_contract', 'once'])
  })

  test('postconditions warn, and see the response', async () => {
    const seen: unknown[] = []
    const guard = guardOf({
      contracts: [
        postcondition('t', (_envelope, response) => {
          seen.push(response)
          return Verdict.fail('odd')
        }),
      ],
    })
    expect(await guard.run('t', {}, () => 'text')).toBe('text')
    expect(seen).toEqual(['text'])
    expect(guard.localSink.last()).toMatchObject({ action: 'call_executed', postconditionsPassed: false })
  })

  test('an object whose kind cannot be told is refused', () => {
    const check = (_envelope: unknown, _response: unknown) => Verdict.pass()
    expect(() => guardOf({ contracts: [{ tool: 't', check } as never] })).toThrow(EdictumConfigError)
    expect(() => guardOf({ contracts: [{ tool: 't', contractType: 'x', check } as never] })).toThrow(EdictumConfigError)
    expect(() => guardOf({ contracts: [{ tool: 't' } as never] })).toThrow(EdictumConfigError)
  })

  test('denySensitiveReads keeps agents off well-known secrets', async () => {
    const guard = guardOf({ contracts: [denySensitiveReads()] })
    const refused = async (tool: string, args: object) => (await denialOf(guard, tool, args)) !== null
    expect(await refused('Read', { file_path: '/home/u/.ssh/id_rsa' })).toBe(true)
    expect(await refused('Read', { file_path: '/home/u/notes' })).toBe(false)
    expect(await refused('Bash', { command: ' printenv' })).toBe(true)
    expect(await refused('Bash', { command: 'env FOO=1 ls' })).toBe(true)
    expect(await refused('Bash', { command: 'environment' })).toBe(false)
    expect(await refused('Bash', { command: 'cat /app/.env' })).toBe(true)
  })
})

describe('hooks', () => {
  const before = (tool: string, callback: () => HookDecision | Promise<HookDecision>, when?: () => boolean) =>
    ({ phase: 'before', tool, callback, ...(when ? { when } : {}) }) as const

  test('decide for the tools and calls they name; a when that throws does not skip them', async () => {
    const no = () => HookDecision.deny('no')
    const guard = guardOf({
      hooks: [
        before('a*', no),
        before('b', no, () => false),
        before('c', no, () => {
          throw new Error('when')
        }),
      ],
    })
    expect(await denialOf(guard, 'abc')).toEqual(['hook', 'no'])
    expect(await denialOf(guard, 'b')).toBeNull()
    expect(await denialOf(guard, 'c')).toEqual(['hook', 'no'])
  })

  test('that throw, or return no decision, deny with a policy error', async () => {
    for (const callback of [() => Promise.reject(new Error('boom')), () => undefined, () => true]) {
      const guard = guardOf({ hooks: [before('*', callback as never)] })
      expect(await denialOf(guard)).not.toBeNull()
      expect(guard.localSink.last()).toMatchObject({ policyError: true, reason: expect.stringMatching(/^Hook error:/) })
    }
  })

  test('after a call see its response; what they throw is swallowed', async () => {
    const seen: unknown[] = []
    const callback = (_envelope: unknown, response: unknown) => {
      seen.push(response)
      throw new Error('after')
    }
    const guard = guardOf({ hooks: [{ phase: 'after', tool: '*', callback }] })
    expect(await guard.run('t', {}, () => 'text')).toBe('text')
    expect(seen).toEqual(['text'])
  })

  test('are recorded in the order they ran, and survive a reload', async () => {
    const { guard, sink } = guardFrom([], {
      hooks: [
        { phase: 'before', tool: '*', name: 'first', callback: () => HookDecision.allow() },
        { phase: 'before', tool: 't', name: 'second', callback: async () => HookDecision.allow() },
      ],
    })
    guard.reload(bundle([]))
    await guard.run('t', {}, () => 1)
    expect(sink.events[0]?.hooksEvaluated.map((record) => record.name)).toEqual(['first', 'second'])
  })
})

describe('a policy compiled elsewhere', () => {
  test('governs a guard with lent storage, clock and ids, as inside a server', async () => {
    const { document, hash } = loadBundle(bundle([deny('no-env', 'read_file', '.env')]))
    const policy = compilePolicy(document, { version: hash })
    let next = 0
    const guard = guardOf({
      policy,
      backend: new MemoryBackend(),
      newId: () => `id-${next++}`,
      environmentVariables: null,
      resolvePath: null,
    })
    const tool = countingTool('text')
    await expect(guard.run('read_file', { path: '.env' }, tool, { sessionId: 'exec-1' })).rejects.toBeInstanceOf(
      EdictumDenied,
    )
    expect(guard.policyVersion).toBe(hash)
    expect(guard.localSink.last()).toMatchObject({ runId: 'exec-1', callId: 'id-0', policyVersion: hash })
  })

  test('a tool executed elsewhere is authorized before and completed after', async () => {
    const { guard, actions } = guardFrom([deny('no-env', 'read_file', '.env')])
    const call = await guard.begin('read_file', { path: 'a' })
    await call.authorize()
    expect(await call.complete({ returned: 'text' })).toBe('text')
    const failing = await guard.begin('read_file', { path: 'a' })
    await failing.authorize()
    await expect((async () => failing.complete({ threw: new Error('sandbox') }))()).rejects.toThrow('sandbox')
    expect(actions()).toEqual(['call_allowed', 'call_executed', 'call_allowed', 'call_failed'])
  })
})

test('an envelope’s arguments are read once: a tool sees what was judged', () => {
  const envelope = createEnvelope('t', { a: { b: 1 } })
  expect(Object.isFrozen(envelope.args.a)).toBe(true)
})

test('an unknown side effect or mode is a configuration error', () => {
  expect(() => guardOf({ tools: { t: { side_effect: 'odd' } } })).toThrow(EdictumConfigError)
  expect(() => guardOf({ mode: 'x' as never })).toThrow(EdictumConfigError)
})
