import { describe, expect, test } from 'vitest'
import { CompositeSink } from './audit/sinks.ts'
import { Edictum } from './edictum.ts'
import { EdictumConfigError, EdictumDenied, EdictumToolError } from './errors.ts'
import { silentLogger } from './logger.ts'
import { MemoryBackend, type StorageBackend } from './storage.ts'
import { countingTool, deny, guardFrom, limit, post } from './testing/guards.ts'

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

describe('an allowed call', () => {
  test('returns the tool’s value, sync or async, and leaves two events', async () => {
    const { guard, actions } = guardFrom([deny('no-env', 'read_file', '.env')])
    expect(await guard.run('read_file', { path: 'data.csv' }, () => 'rows')).toBe('rows')
    expect(await guard.run('read_file', { path: 'data.csv' }, async () => ({ rows: 1 }))).toEqual({ rows: 1 })
    expect(actions()).toEqual(['call_allowed', 'call_executed', 'call_allowed', 'call_executed'])
  })

  test('hands the tool the copy that was judged', async () => {
    const { guard } = guardFrom([deny('no-env', 'read_file', '.env')])
    const args = { path: 'data.csv', deep: { list: [1] } }
    const seen = await guard.run('read_file', args, (judged) => {
      args.path = '.env'
      args.deep.list.push(2)
      return judged
    })
    expect(seen).toEqual({ path: 'data.csv', deep: { list: [1] } })
    expect(Object.isFrozen(seen.deep.list)).toBe(true)
  })

  test('wrap does the same for a tool called often', async () => {
    const { guard } = guardFrom([deny('no-env', 'read_file', '.env')])
    const read = guard.wrap('read_file', (args: { path: string }) => `text of ${args.path}`)
    expect(await read({ path: 'a' })).toBe('text of a')
    await expect(read({ path: '.env' })).rejects.toBeInstanceOf(EdictumDenied)
  })
})

describe('a denied call', () => {
  test('never runs, and says why, by whom', async () => {
    const { guard, sink, actions } = guardFrom([deny('no-env', 'read_file', '.env')])
    const tool = countingTool('secret')
    const error = await caught(guard.run('read_file', { path: '.env' }, tool))
    expect(error).toBeInstanceOf(EdictumDenied)
    expect(error).toMatchObject({
      message: '.env is off limits (no-env).',
      reason: '.env is off limits (no-env).',
      decisionSource: 'yaml_precondition',
      decisionName: 'no-env',
    })
    expect(tool.calls).toEqual([])
    expect(actions()).toEqual(['call_denied'])
    expect(sink.last()).toMatchObject({
      reason: '.env is off limits (no-env).',
      sessionAttemptCount: 1,
      sessionExecutionCount: 0,
    })
  })

  test('counts as an attempt, not as an execution', async () => {
    const backend = new MemoryBackend()
    const { guard } = guardFrom([deny('no-env', 'read_file', '.env')], { backend })
    await caught(guard.run('read_file', { path: '.env' }, () => 1, { sessionId: 's1' }))
    expect(backend.get('s:s1:attempts')).toBe('1')
    expect(backend.get('s:s1:execs')).toBeNull()
  })

  test('tells onDeny once with envelope, reason and name; what it throws is swallowed', async () => {
    const denials: unknown[] = []
    const { guard, log } = guardFrom([deny('no-env', 'read_file', '.env')], {
      onDeny: (envelope, reason, name) => {
        denials.push([envelope.toolName, reason, name])
        throw new Error('callback')
      },
    })
    await caught(guard.run('read_file', { path: '.env' }, () => 1))
    expect(denials).toEqual([['read_file', '.env is off limits (no-env).', 'no-env']])
    expect(log.join()).toContain('onDeny threw: callback')
  })
})

describe('a failing tool', () => {
  test('that throws becomes an EdictumToolError with its message, and a call_failed event', async () => {
    const { guard, sink } = guardFrom([])
    const cause = new Error('disk full')
    const error = await caught(guard.run('write_file', {}, () => Promise.reject(cause)))
    expect(error).toBeInstanceOf(EdictumToolError)
    expect(error).toMatchObject({ message: 'disk full', cause })
    expect(sink.last()).toMatchObject({ action: 'call_failed', toolSuccess: false, error: 'disk full' })
    expect(
      await caught(
        guard.run('t', {}, () => {
          throw 'plain'
        }),
      ),
    ).toMatchObject({ message: 'plain' })
  })

  test('is told by its result: error texts and marked objects, not by null', async () => {
    const { guard } = guardFrom([])
    for (const failing of ['Error: x', 'FATAL: y', { is_error: true }, { isError: true }]) {
      expect(await caught(guard.run('t', {}, () => failing))).toBeInstanceOf(EdictumToolError)
    }
    for (const fine of [null, undefined, 'errors: none', { is_error: false }, 0, false]) {
      expect(await guard.run('t', {}, () => fine)).toBe(fine)
    }
  })

  test('may be judged by a check of one’s own; one that throws counts as a failure', async () => {
    const { guard } = guardFrom([], { successCheck: (_tool, result) => result !== 'bad' })
    expect(await guard.run('t', {}, () => 'Error: fine')).toBe('Error: fine')
    expect(await caught(guard.run('t', {}, () => 'bad'))).toMatchObject({ message: 'bad' })
    const broken = guardFrom([], {
      successCheck: () => {
        throw new Error('check')
      },
    })
    expect(await caught(broken.guard.run('t', {}, () => 'x'))).toBeInstanceOf(EdictumToolError)
  })

  test('lengthens the run of failures, which a success ends', async () => {
    const backend = new MemoryBackend()
    const { guard } = guardFrom([], { backend })
    for (let round = 0; round < 2; round++) await caught(guard.run('t', {}, () => 'error: x', { sessionId: 's' }))
    expect(backend.get('s:s:consec_fail')).toBe('2')
    await guard.run('t', {}, () => 'fine', { sessionId: 's' })
    expect(backend.get('s:s:consec_fail')).toBeNull()
    expect(backend.get('s:s:execs')).toBe('3')
    expect(backend.get('s:s:tool:t')).toBe('3')
  })
})

describe('a guard that observes', () => {
  test('runs what it would deny, records it, and calls no onDeny', async () => {
    const denials: unknown[] = []
    const { guard, actions, sink } = guardFrom([deny('no-env', 'read_file', '.env')], {
      mode: 'observe',
      onDeny: () => denials.push(1),
    })
    expect(await guard.run('read_file', { path: '.env' }, () => 'text')).toBe('text')
    expect(actions()).toEqual(['call_would_deny', 'call_executed'])
    expect(sink.events[0]).toMatchObject({ mode: 'observe', decisionName: 'no-env' })
    expect(denials).toEqual([])
  })

  test('takes its mode from the bundle unless told otherwise, also after a reload', async () => {
    const { guard } = guardFrom([deny('no-env', 'read_file', '.env')], { bundleMode: 'observe' })
    expect(guard.mode).toBe('observe')
    const { bundle } = await import('./testing/guards.ts')
    guard.reload(bundle([deny('no-env', 'read_file', '.env')], { mode: 'enforce' }))
    expect(guard.mode).toBe('enforce')
    expect(guardFrom([], { bundleMode: 'observe', mode: 'enforce' }).guard.mode).toBe('enforce')
  })

  test('a contract that observes never denies; its firing is an event of its own', async () => {
    const { guard, sink, actions } = guardFrom([deny('seen', 'read_file', '.env', ', mode: observe')])
    await guard.run('read_file', { path: '.env' }, () => 'text')
    expect(actions()).toEqual(['call_would_deny', 'call_allowed', 'call_executed'])
    expect(sink.events[0]).toMatchObject({
      mode: 'observe',
      decisionSource: 'precondition',
      decisionName: 'seen',
      sessionAttemptCount: 0,
    })
    expect(sink.events[1]).toMatchObject({ mode: 'enforce', decisionSource: null })
  })
})

describe('what a result is made into', () => {
  test('redact on a read tool returns redacted text, on an irreversible one the original with a warning', async () => {
    const { guard, log } = guardFrom([post('ssn', '*', '\\\\d{3}-\\\\d{2}-\\\\d{4}', 'redact')])
    expect(await guard.run('read_file', {}, () => 'ssn 123-45-6789.')).toBe('ssn [REDACTED].')
    expect(await guard.run('send', {}, () => 'ssn 123-45-6789.')).toBe('ssn 123-45-6789.')
    expect(log.some((line) => line.includes('already run'))).toBe(true)
  })

  test('deny on a pure tool suppresses, two redactions compose, objects stay objects', async () => {
    const { guard } = guardFrom([
      post('a', 'read_file', 'alpha', 'redact'),
      post('b', 'read_file', 'beta', 'redact'),
      post('gone', 'compute', 'gamma', 'deny'),
    ])
    expect(await guard.run('read_file', {}, () => 'alpha beta')).toBe('[REDACTED] [REDACTED]')
    expect(await guard.run('compute', {}, () => 'gamma')).toMatch(/^\[OUTPUT SUPPRESSED\] /)
    expect(await guard.run('read_file', {}, () => ({ k: 'alpha', n: 1 }))).toEqual({ k: '[REDACTED]', n: 1 })
    expect(await guard.run('read_file', {}, () => Buffer.from('alpha'))).toEqual(Buffer.from('[REDACTED]'))
  })

  test('an argument that no contract could judge is named, and passes where the tool declares it', async () => {
    const { signal } = new AbortController()
    const tools = { fetch: { arguments: { passThrough: ['signal'] } } }
    const guard = new Edictum({ tools, logger: silentLogger })
    await expect(guard.run('other', { signal }, () => 1)).rejects.toThrow("The argument 'signal' of tool 'other'")
    expect(await guard.run('fetch', { signal }, (args) => args.signal === signal)).toBe(true)
  })

  test('a failing tool whose text a contract redacts throws the redacted text, and nothing that holds the rest', async () => {
    const { guard, sink } = guardFrom([post('ssn', 'read_file', '\\\\d{3}-\\\\d{2}-\\\\d{4}', 'redact')])
    const error = await caught(
      guard.run('read_file', {}, () => {
        throw new Error('row 123-45-6789')
      }),
    )
    expect(error).toMatchObject({ message: 'row [REDACTED]' })
    expect((error as Error).cause).toBeUndefined()
    expect((error as EdictumToolError).result).toBeUndefined()
    expect(JSON.stringify(sink.events)).not.toContain('123-45-6789')
  })
})

describe('on whose behalf', () => {
  const roleOf = (guard: Edictum) => guard.localSink.last().principal?.role ?? null

  test('the call’s own principal wins over the resolver’s, that over the guard’s; null means nobody', async () => {
    const guard = new Edictum({ principal: { role: 'static' }, logger: silentLogger })
    await guard.run('t', {}, () => 1)
    expect(roleOf(guard)).toBe('static')
    guard.setPrincipal({ role: 'later' })
    await guard.run('t', {}, () => 1)
    expect(roleOf(guard)).toBe('later')
    await guard.run('t', {}, () => 1, { principal: null })
    expect(roleOf(guard)).toBeNull()
    const resolving = new Edictum({
      principal: { role: 'static' },
      principalResolver: (tool) => (tool === 'a' ? { role: 'resolved' } : null),
    })
    await resolving.run('a', {}, () => 1)
    expect(roleOf(resolving)).toBe('resolved')
    await resolving.run('b', {}, () => 1)
    expect(roleOf(resolving)).toBeNull()
    await resolving.run('a', {}, () => 1, { principal: { role: 'own' } })
    expect(roleOf(resolving)).toBe('own')
  })

  test('a resolver that throws stops the call before anything is counted', async () => {
    const backend = new MemoryBackend()
    const guard = new Edictum({
      backend,
      principalResolver: () => {
        throw new Error('directory down')
      },
    })
    const tool = countingTool(1)
    await expect(guard.run('t', {}, tool, { sessionId: 's' })).rejects.toThrow('directory down')
    expect([tool.calls.length, backend.get('s:s:attempts')]).toEqual([0, null])
  })

  test('the environment of a call is that call’s only', async () => {
    const { guard, sink } = guardFrom([
      '{ id: prod, type: pre, tool: "*", when: { environment: { equals: production } }, then: { effect: deny, message: "No." } }',
    ])
    await guard.run('t', {}, () => 1, { environment: 'staging' })
    expect(sink.last().environment).toBe('staging')
    await expect(guard.run('t', {}, () => 1)).rejects.toBeInstanceOf(EdictumDenied)
  })
})

describe('fail closed', () => {
  test('a sink that fails before the tool keeps the tool from running', async () => {
    const { guard } = guardFrom([], { auditSink: { emit: () => Promise.reject(new Error('sink')) } })
    const tool = countingTool(1)
    await expect(guard.run('t', {}, tool)).rejects.toBeInstanceOf(AggregateError)
    const sync = guardFrom([], {
      auditSink: {
        emit: () => {
          throw new Error('sink')
        },
      },
    })
    await expect(sync.guard.run('t', {}, tool)).rejects.toBeInstanceOf(AggregateError)
    expect(tool.calls).toEqual([])
  })

  test('storage that fails at the first increment, or at the read, keeps the tool from running', async () => {
    const tool = countingTool(1)
    const broken: StorageBackend = {
      get: () => null,
      set: () => {},
      delete: () => {},
      increment: () => Promise.reject(new Error('storage')),
    }
    await expect(new Edictum({ backend: broken }).run('t', {}, tool)).rejects.toThrow('storage')
    const unreadable: StorageBackend = {
      ...broken,
      increment: async () => 1,
      get: () => Promise.reject(new Error('read')),
    }
    await expect(new Edictum({ backend: unreadable }).run('t', {}, tool)).rejects.toThrow('read')
    expect(tool.calls).toEqual([])
  })

  test('storage that fails after the tool is told to the caller, and the execution is still recorded', async () => {
    const backend: StorageBackend = {
      get: async () => '0',
      set: () => {},
      delete: () => {},
      increment: async (key) => {
        if (key.endsWith(':execs')) throw new Error('storage')
        return 1
      },
    }
    const guard = new Edictum({ backend })
    await expect(guard.run('t', {}, () => 1)).rejects.toThrow('storage')
    expect(guard.localSink.events.map((event) => event.action)).toEqual(['call_allowed', 'call_executed'])
  })

  test('a backend that does not count stops the call', async () => {
    const backend: StorageBackend = {
      get: () => null,
      set: () => {},
      delete: () => {},
      increment: () => undefined as never,
    }
    const tool = countingTool(1)
    await expect(new Edictum({ backend }).run('t', {}, tool)).rejects.toThrow(/no number/)
    expect(tool.calls).toEqual([])
  })

  test('a counter that is no number stops the call instead of reading as zero', async () => {
    const backend = new MemoryBackend()
    backend.set('s:x:execs', 'many')
    await expect(new Edictum({ backend }).run('t', {}, () => 1, { sessionId: 'x' })).rejects.toThrow(/not a number/)
  })

  test('illegal session ids and tool names throw before anything is executed', async () => {
    const guard = new Edictum()
    const tool = countingTool(1)
    for (const sessionId of ['a:b', 'a/b', 'a\\b', 'a\nb', 'a\u007f']) {
      await expect(guard.run('t', {}, tool, { sessionId })).rejects.toBeInstanceOf(EdictumConfigError)
    }
    for (const name of ['', 'a/b', 'a\\b', 'a\0'])
      await expect(guard.run(name, {}, tool)).rejects.toBeInstanceOf(EdictumConfigError)
    expect(tool.calls).toEqual([])
    for (const name of ['a b', 'ü']) expect(await guard.run(name, {}, tool)).toBe(1)
  })
})

describe('sessions', () => {
  test('calls without a session id share the guard’s own, others have theirs', async () => {
    const { guard } = guardFrom([limit('few', '{ max_tool_calls: 2 }')])
    await guard.run('t', {}, () => 1)
    await guard.run('t', {}, () => 1)
    expect(await caught(guard.run('t', {}, () => 1))).toMatchObject({
      decisionSource: 'yaml_session',
      decisionName: 'few',
      reason: 'Enough ({args.path}).',
    })
    expect(await guard.run('t', {}, () => 1, { sessionId: 'other' })).toBe(1)
  })

  test('two guards with one backend and session share their limits', async () => {
    const backend = new MemoryBackend()
    const one = guardFrom([limit('few', '{ max_tool_calls: 1 }')], { backend }).guard
    const two = guardFrom([limit('few', '{ max_tool_calls: 1 }')], { backend }).guard
    await one.run('t', {}, () => 1, { sessionId: 's' })
    await expect(two.run('t', {}, () => 1, { sessionId: 's' })).rejects.toBeInstanceOf(EdictumDenied)
  })

  test('all events of one call share call id and run id, and carry its counters', async () => {
    const { guard, sink } = guardFrom([])
    await guard.run('t', {}, () => 1, { sessionId: 's', callId: 'c-1', parentCallId: 'p' })
    expect(sink.events.map(({ callId, runId, parentCallId }) => [callId, runId, parentCallId])).toEqual([
      ['c-1', 's', 'p'],
      ['c-1', 's', 'p'],
    ])
    expect(sink.last()).toMatchObject({ sessionAttemptCount: 1, sessionExecutionCount: 1 })
  })
})

test('without a sink the local one is the sink; with one it comes first; an empty list is fine', () => {
  const alone = new Edictum()
  expect(alone.auditSink).toBe(alone.localSink)
  const sink = { emit: () => {} }
  const composed = new Edictum({ auditSink: [sink] })
  expect((composed.auditSink as CompositeSink).sinks).toEqual([composed.localSink, sink])
  expect(new Edictum({ auditSink: [] }).auditSink).toBeInstanceOf(CompositeSink)
})
