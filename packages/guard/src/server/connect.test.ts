import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Edictum } from '../edictum.ts'
import { EdictumConfigError, type EdictumDenied } from '../errors.ts'
import { silentLogger } from '../logger.ts'
import type { ServerGuardOptions } from '../options.ts'
import { delivered, denyBundle, FakeConsole, newSigner, type Seen, sha256 } from '../testing/fake-console.ts'
import { countingTool } from '../testing/guards.ts'
import { ManualClock, settle, until } from '../testing/manual-clock.ts'
import { createServerGuard } from './index.ts'
import type { WatchError } from './watcher.ts'

let console_: FakeConsole
let clock: ManualClock
let guards: Edictum[]
let watchErrors: WatchError[]
/** Bundles the console has, by name. */
let bundles: Record<string, string>
let counters: Map<string, number>

const options = (more: Partial<ServerGuardOptions> = {}): ServerGuardOptions => ({
  url: console_.url,
  apiKey: 'edk_production_x',
  agentId: 'agent-1',
  bundleName: 'main',
  clock,
  spool: false,
  logger: silentLogger,
  onWatchError: (error) => watchErrors.push(error),
  ...more,
})
const connect = async (more: Partial<ServerGuardOptions> = {}) => {
  const guard = await Edictum.fromServer(options(more))
  guards.push(guard)
  return guard
}

/** The console's routes, as far as an agent uses them. */
function answer(seen: Seen) {
  const bundle = /^\/api\/v1\/bundles\/([^/]+)\/current$/.exec(seen.path)
  if (bundle) {
    const yaml = bundles[bundle[1] as string]
    return yaml === undefined ? null : { json: delivered(bundle[1] as string, yaml) }
  }
  if (seen.path === '/api/v1/events') return { json: { accepted: seen.body.events.length, duplicates: 0 } }
  if (seen.path === '/api/v1/sessions/batch') {
    const values = Object.fromEntries(
      seen.body.keys.map((key: string) => [key, counters.has(key) ? String(counters.get(key)) : null]),
    )
    return { json: { values } }
  }
  const increment = /^\/api\/v1\/sessions\/(.+)\/increment$/.exec(seen.path)
  if (increment) {
    const key = decodeURIComponent(increment[1] as string)
    counters.set(key, (counters.get(key) ?? 0) + seen.body.amount)
    return { json: { value: counters.get(key) } }
  }
  if (seen.method === 'DELETE') return { json: {} }
  return null
}

beforeEach(async () => {
  console_ = await FakeConsole.start()
  console_.answer = answer
  clock = new ManualClock()
  guards = []
  watchErrors = []
  bundles = { main: denyBundle('.env') }
  counters = new Map()
})
afterEach(async () => {
  for (const guard of guards) await guard.close()
  await console_.close()
})

const deniedBy = async (guard: Edictum, path: string) =>
  guard
    .run('read_file', { path }, () => 'text')
    .then(
      () => null,
      (error: unknown) => (error as EdictumDenied).reason,
    )

describe('a named bundle', () => {
  test('is fetched once, and its bytes’ SHA-256 is the policy version', async () => {
    const guard = await connect()
    const [fetched] = console_.to('/api/v1/bundles')
    expect(console_.to('/api/v1/bundles')).toHaveLength(1)
    expect([fetched?.path, fetched?.query.toString()]).toEqual(['/api/v1/bundles/main/current', 'env=production'])
    expect(guard.policyVersion).toBe(sha256(bundles.main as string))
    expect(guard.environment).toBe('production')
    const { seen } = await console_.streamNumber(1)
    expect(seen.query.get('policy_version')).toBe(guard.policyVersion)
  })

  test('refuses what it denies with its message, lets the rest run, and reports both', async () => {
    const guard = await connect()
    const tool = countingTool('text')
    await expect(guard.run('read_file', { path: '.env' }, tool)).rejects.toMatchObject({ message: '.env holds .env.' })
    expect(tool.calls).toEqual([])
    expect(await guard.run('read_file', { path: 'data.csv' }, tool)).toBe('text')
    await guard.close()
    const events = console_.to('/api/v1/events').flatMap((seen) => seen.body.events)
    expect(events.map((event: { verdict: string }) => event.verdict)).toEqual([
      'call_denied',
      'call_allowed',
      'call_executed',
    ])
    expect(events[0]).toMatchObject({
      agent_id: 'agent-1',
      payload: { bundle_name: 'main', policy_version: guard.policyVersion },
    })
    expect([...counters.keys()].map((key) => key.split(':').at(-1))).toEqual(['attempts', 'execs', 'read_file'])
  })

  test('autoWatch: false opens no stream', async () => {
    await connect({ autoWatch: false })
    await settle()
    expect(console_.streams).toHaveLength(0)
  })

  test('default mode is enforce though the bundle observes, whose contracts then only observe', async () => {
    bundles.main = denyBundle('.env').replace('mode: enforce', 'mode: observe')
    const guard = await connect()
    expect(guard.mode).toBe('enforce')
    expect(await guard.run('read_file', { path: '.env' }, () => 'text')).toBe('text')
    expect(guard.localSink.events[0]?.action).toBe('call_would_deny')
    expect((await connect({ mode: undefined })).mode).toBe('observe')
  })

  test('own sink, approvals and storage replace the console’s; events still reach the local sink', async () => {
    const seen: string[] = []
    const { MemoryBackend } = await import('../storage.ts')
    const guard = await connect({
      auditSink: { emit: (event) => void seen.push(event.action) },
      storageBackend: new MemoryBackend(),
    })
    await guard.run('read_file', { path: 'a' }, () => 1)
    expect(seen).toEqual(['call_allowed', 'call_executed'])
    expect(guard.localSink.events).toHaveLength(2)
    await guard.close()
    expect(
      console_.requests.every(
        (request) => request.path.startsWith('/api/v1/bundles') || request.path === '/api/v1/stream',
      ),
    ).toBe(true)
  })
})

describe('what cannot work is said at once', () => {
  const rejects = async (more: Partial<ServerGuardOptions>) => {
    await expect(Edictum.fromServer(options(more))).rejects.toBeInstanceOf(EdictumConfigError)
    expect(console_.requests).toEqual([])
  }

  test('no bundle name without a stream; signatures without a key; bad identifiers', async () => {
    await rejects({ bundleName: null, autoWatch: false })
    await rejects({ verifySignatures: true })
    await rejects({ agentId: '../x' })
    await rejects({ url: 'http://remote.example' })
  })

  test('404, bad base64, bad YAML and an unreachable server reject and leave nothing behind', async () => {
    const base = options()
    const fails = (text: RegExp, more: Partial<ServerGuardOptions> = {}) =>
      expect(Edictum.fromServer({ ...base, ...more })).rejects.toThrow(text)
    await fails(/^Failed to fetch contracts from server: .*404/, { bundleName: 'nowhere' })
    console_.answer = () => ({ json: { yaml_bytes: '%%%' } })
    await fails(/^Failed to parse server contracts/)
    console_.answer = () => ({ json: {} })
    await fails(/^Failed to parse server contracts/)
    console_.answer = () => ({ json: delivered('main', 'kind: [') })
    await fails(/^Failed to parse server contracts/)
    await console_.close()
    await fails(/^Failed to fetch contracts from server/, { maxRetries: 1 })
    console_ = await FakeConsole.start()
    expect(clock.pendingTimers).toBe(0)
    expect(console_.streams).toHaveLength(0)
  })
})

describe('updates', () => {
  const updated = (guard: Edictum, yaml: string) =>
    until(() => guard.policyVersion === sha256(yaml), 'the update is in force')

  test('swap the contracts of the running process; invalid ones keep the old set and the watcher alive', async () => {
    const guard = await connect()
    const stream = await console_.streamNumber(1)
    expect(await deniedBy(guard, 'x.pem')).toBeNull()
    stream.send('contract_update', delivered('main', 'kind: ['))
    await until(() => watchErrors.length === 1, 'the bad bundle was refused')
    expect(watchErrors[0]).toMatchObject({ type: 'reload_error', bundleName: 'main' })
    expect(await deniedBy(guard, '.env')).toBe('.env holds .env.')
    const next = denyBundle('.pem')
    stream.send('contract_update', delivered('main', next))
    await updated(guard, next)
    expect(await deniedBy(guard, 'x.pem')).toBe('x.pem holds .pem.')
    expect(await deniedBy(guard, '.env')).toBeNull()
  })

  test('of another bundle are ignored', async () => {
    const guard = await connect()
    const stream = await console_.streamNumber(1)
    stream.send('contract_update', delivered('other', denyBundle('.pem')))
    const next = denyBundle('.key')
    stream.send('contract_update', delivered('main', next))
    await updated(guard, next)
    expect(watchErrors).toEqual([])
  })

  test('a server without event ids is asked after a reconnect what was deployed meanwhile', async () => {
    const guard = await connect()
    const stream = await console_.streamNumber(1)
    bundles.main = denyBundle('.pem')
    stream.end()
    await until(() => clock.nextDelay === 1_000, 'the pause')
    await clock.advance(1_000)
    await updated(guard, bundles.main)
  })

  test('a call under way ends under the bundle it began with', async () => {
    const guard = await connect()
    const before = guard.policyVersion
    const stream = await console_.streamNumber(1)
    let release: (text: string) => void = () => {}
    const call = guard.run('read_file', { path: 'a' }, () => new Promise<string>((resolve) => (release = resolve)))
    await until(() => guard.localSink.events.length === 1, 'the call was allowed')
    const next = denyBundle('.pem')
    stream.send('contract_update', delivered('main', next))
    await updated(guard, next)
    release('text')
    await call
    expect(guard.localSink.last()).toMatchObject({ action: 'call_executed', policyVersion: before })
  })
})

describe('an assigned bundle', () => {
  test('is fetched, put in force, then committed, and the stream reopened for it', async () => {
    bundles.next = denyBundle('.pem')
    const { guard, client } = await createServerGuard(options())
    guards.push(guard)
    const stream = await console_.streamNumber(1)
    stream.send('assignment_changed', { bundle_name: 'next' })
    const { seen } = await console_.streamNumber(2)
    expect(client.bundleName).toBe('next')
    expect(seen.query.get('bundle_name')).toBe('next')
    expect(seen.query.get('policy_version')).toBe(sha256(bundles.next))
    expect(await deniedBy(guard, 'x.pem')).toBe('x.pem holds .pem.')
    const again = denyBundle('.key')
    ;(await console_.streamNumber(2)).send('contract_update', delivered('next', again))
    await until(() => guard.policyVersion === sha256(again), 'updates of the new bundle arrive')
  })

  test('that cannot be fetched changes nothing, and the same event sent again is tried again', async () => {
    const { guard, client } = await createServerGuard(options({ maxRetries: 1 }))
    guards.push(guard)
    const stream = await console_.streamNumber(1)
    stream.send('assignment_changed', { bundle_name: 'next' })
    await until(() => watchErrors.length === 1, 'the fetch failed')
    expect(watchErrors[0]).toMatchObject({ type: 'fetch_error', bundleName: 'next' })
    expect(client.bundleName).toBe('main')
    bundles.next = denyBundle('.pem')
    stream.send('assignment_changed', { bundle_name: 'next' })
    await console_.streamNumber(2)
    expect(client.bundleName).toBe('next')
  })

  test('is waited for: fromServer resolves when it is in force', async () => {
    const connecting = connect({ bundleName: null, tags: { team: 'a' } })
    const stream = await console_.streamNumber(1)
    expect(stream.seen.query.get('bundle_name')).toBeNull()
    // A deploy of some bundle of the tenant is not an assignment.
    stream.send('contract_update', delivered('other', denyBundle('.pem')))
    stream.send('assignment_changed', { bundle_name: 'main' })
    const guard = await connecting
    expect(guard.policyVersion).toBe(sha256(bundles.main as string))
  })

  test('that does not come within 30 seconds, or a refused key, rejects and leaves nothing behind', async () => {
    const connecting = connect({ bundleName: null }).catch((error: unknown) => error)
    await console_.streamNumber(1)
    await settle()
    await clock.advance(30_000)
    expect(await connecting).toBeInstanceOf(EdictumConfigError)
    console_.answerStream = () => ({ status: 401, json: { detail: 'revoked' } })
    expect(await connect({ bundleName: null }).catch((error: unknown) => error)).toMatchObject({
      message: expect.stringContaining('401'),
    })
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('signatures', () => {
  const signer = newSigner()
  const other = newSigner()
  const signed = (name: string, yaml: string, by = signer, field = 'signature') =>
    delivered(name, yaml, { [field]: by.sign(yaml).toString('hex'), public_key: by.publicKeyHex })
  const verifying = { verifySignatures: true, signingPublicKey: signer.publicKeyHex }

  test('a bundle without a valid one is refused at connect', async () => {
    const yaml = bundles.main as string
    for (const json of [delivered('main', yaml), signed('main', yaml, other)]) {
      console_.answer = () => ({ json })
      await expect(connect(verifying)).rejects.toBeInstanceOf(EdictumConfigError)
    }
    console_.answer = () => ({ json: signed('main', yaml, signer, 'signature_hex') })
    expect((await connect(verifying)).policyVersion).toBe(sha256(yaml))
  })

  test('unsigned, forged and re-keyed updates are skipped, on the stream and after an assignment', async () => {
    console_.answer = (seen) => {
      if (seen.path.includes('/bundles/main/')) return { json: signed('main', denyBundle('.env')) }
      if (seen.path.includes('/bundles/next/')) return { json: signed('next', denyBundle('.pem'), other) }
      return answer(seen)
    }
    const guard = await connect(verifying)
    const before = guard.policyVersion
    const stream = await console_.streamNumber(1)
    stream.send('contract_update', delivered('main', denyBundle('.a')))
    stream.send('contract_update', signed('main', denyBundle('.b'), other))
    stream.send('assignment_changed', { bundle_name: 'next' })
    await until(() => watchErrors.length === 3, 'all three were refused')
    expect(watchErrors.map((error) => error.type)).toEqual([
      'signature_rejected',
      'signature_rejected',
      'signature_rejected',
    ])
    expect(guard.policyVersion).toBe(before)
    stream.send('contract_update', signed('main', denyBundle('.c')))
    await until(() => guard.policyVersion === sha256(denyBundle('.c')), 'a valid update still arrives')
  })
})

describe('an approval', () => {
  const asking = denyBundle('.env').replace('effect: deny', 'effect: approve')

  test('is decided in the console; the stream wakes the waiting call', async () => {
    bundles.main = asking
    let status = 'pending'
    console_.answer = (seen) => {
      if (seen.path === '/api/v1/approvals') return { status: 201, json: { id: 'ap-1', status } }
      if (seen.path === '/api/v1/approvals/ap-1') return { json: { status, decided_by: 'ann', decision_reason: null } }
      return answer(seen)
    }
    const guard = await connect()
    const stream = await console_.streamNumber(1)
    const tool = countingTool('text')
    const call = guard.run('read_file', { path: '.env' }, tool)
    await until(() => console_.to('/api/v1/approvals/ap-1').length === 1 && clock.nextDelay === 2_000, 'the call waits')
    expect(tool.calls).toEqual([])
    status = 'approved'
    stream.send('approval_decided', { approval_id: 'ap-1', status })
    expect(await call).toBe('text')
    expect(guard.localSink.events.map((event) => event.action)).toEqual([
      'call_approval_requested',
      'call_approval_granted',
      'call_executed',
    ])
    expect(console_.to('/api/v1/approvals', 'POST')[0]?.body).toMatchObject({
      decision_source: 'yaml_precondition',
      contract_name: 'no-secrets',
      timeout: 300,
    })
  })

  test('that the server will not even take keeps the call from running', async () => {
    bundles.main = asking
    console_.answer = (seen) => (seen.path === '/api/v1/approvals' ? { status: 413 } : answer(seen))
    const guard = await connect()
    const tool = countingTool('text')
    await expect(guard.run('read_file', { path: '.env' }, tool)).rejects.toMatchObject({ statusCode: 413 })
    expect(guard.localSink.last().action).toBe('call_approval_failed')
    expect(tool.calls).toEqual([])
  })
})

test('a guard that is printed shows no key', async () => {
  const guard = await connect({ apiKey: 'edk_production_hidden' })
  expect(inspect(guard, { depth: 10, showHidden: true })).not.toContain('edk_production_hidden')
})

test('with the server gone nothing runs', async () => {
  const guard = await connect({ maxRetries: 1 })
  await console_.close()
  const tool = countingTool('text')
  await expect(guard.run('read_file', { path: 'a' }, tool)).rejects.toThrow()
  expect(tool.calls).toEqual([])
  console_ = await FakeConsole.start()
})

test('close delivers what is buffered, ends the stream and leaves no timer', async () => {
  const guard = await connect()
  const stream = await console_.streamNumber(1)
  await guard.run('read_file', { path: 'a' }, () => 1)
  expect(console_.to('/api/v1/events')).toHaveLength(0)
  await guard.close()
  await guard.close()
  expect(console_.to('/api/v1/events')).toHaveLength(1)
  await until(() => stream.closed, 'the stream is gone')
  expect(clock.pendingTimers).toBe(0)
})
