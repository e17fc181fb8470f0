import { execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditEvent } from '../audit/event.ts'
import { silentLogger } from '../logger.ts'
import { delivered, denyBundle, FakeConsole } from '../testing/fake-console.ts'
import { FakeGovernance } from '../testing/fake-governance.ts'
import { ManualClock, settle, until } from '../testing/manual-clock.ts'
import { ServerAuditSink, type ServerAuditSinkOptions } from './audit-sink.ts'
import { EdictumServerClient } from './client.ts'
import { spoolFolder, spoolPath, thisProcess } from './spool-folder.ts'

const API_KEY = 'edk_production_abcdefghijklmnopqrstuvwx'
const owner = { keyPrefix: 'edk_production_abcdefgh', agentId: 'a' }
/** A process that has ended for certain: no system counts so far. */
const ENDED = { pid: 2 ** 30, start: '1' }

let console_: FakeConsole
let governance: FakeGovernance
let folder: string
let sinks: ServerAuditSink[]
let warnings: string[]
let clock: ManualClock

beforeEach(async () => {
  console_ = await FakeConsole.start()
  governance = new FakeGovernance().attach(console_)
  governance.intercept = (seen) =>
    seen.path.startsWith('/api/v1/bundles') ? { json: delivered('main', denyBundle('.env')) } : null
  folder = mkdtempSync(join(tmpdir(), 'spool-'))
  sinks = []
  warnings = []
  clock = new ManualClock()
})
afterEach(async () => {
  for (const sink of sinks) await sink.close().catch(() => {})
  await console_.close()
  rmSync(folder, { recursive: true, force: true })
})

const files = () => readdirSync(folder)
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown> & { payload: Record<string, unknown> })
const onlyFile = () => {
  expect(files()).toHaveLength(1)
  return join(folder, files()[0] as string)
}

function openSink(options: ServerAuditSinkOptions = {}, agentId = 'a'): ServerAuditSink {
  const logger = { ...silentLogger, warn: (line: string) => warnings.push(line) }
  const client = new EdictumServerClient({
    baseUrl: console_.url,
    apiKey: API_KEY,
    agentId,
    maxRetries: 1,
    logger,
    clock,
  })
  const sink = new ServerAuditSink(client, { clock, logger, spool: true, spoolFolder: folder, ...options })
  sinks.push(sink)
  return sink
}

const event = (callId: string, toolArgs: unknown = {}) =>
  new AuditEvent({ timestamp: '2026-03-01T12:00:00.000Z', callId, toolName: 't', toolArgs, action: 'call_allowed' })

/** An agent that makes one call and then ends as told. */
function agentScript(ending: string): string {
  return `
    import { Edictum } from '@lictor/guard'
    const guard = await Edictum.fromServer({ url: '${console_.url}', apiKey: '${API_KEY}', agentId: 'a', bundleName: 'main' })
    await guard.run('read_file', { path: 'data.csv', password: 'hunter2' }, () => 'rows')
    ${ending}
  `
}

/** Runs an agent to its end; a signal is sent to it once it has made its call. */
function endOf(ending: string, signal?: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }> {
  const waits = "console.log('ready'); setInterval(() => {}, 1000)"
  const child = spawn(
    process.execPath,
    [
      '--conditions=@lictor/source',
      '--input-type=module',
      '--eval',
      agentScript(signal ? `${ending}${waits}` : ending),
    ],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, LICTOR_SPOOL_DIR: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  child.stdout.on('data', () => signal && child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, ended) => resolve({ code, signal: ended }))
  })
}

describe('what waits when a process ends is delivered by the next guard of its key and agent', () => {
  test.each([
    ['process.exit', 'process.exit(3)', undefined, { code: 3, signal: null }],
    ['an uncaught error', "setTimeout(() => { throw new Error('boom') })", undefined, { code: 1, signal: null }],
    ['a rejection nobody handles', "Promise.reject(new Error('boom'))", undefined, { code: 1, signal: null }],
    ['SIGTERM', '', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
    ['SIGINT', '', 'SIGINT', { code: null, signal: 'SIGINT' }],
    ['SIGHUP', '', 'SIGHUP', { code: null, signal: 'SIGHUP' }],
    [
      'SIGTERM with a handler of its own',
      "process.on('SIGTERM', () => process.exit(7));",
      'SIGTERM',
      { code: 7, signal: null },
    ],
  ] as const)('%s', async (_way, ending, signal, expected) => {
    expect(await endOf(ending, signal)).toEqual(expected)
    expect(governance.events).toEqual([])
    const path = onlyFile()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(path).toMatch(/edk_production_abcdefgh~a~\d+~\d+\.jsonl$/)
    expect(readFileSync(path, 'utf8')).not.toContain('hunter2')
    const ids = linesOf(path).map((line) => line.payload.event_id)
    openSink()
    await until(() => governance.events.length === 2 && files().length === 0, 'the file is delivered and gone')
    expect(governance.verdicts).toEqual(['read_file:call_allowed', 'read_file:call_executed'])
    expect(governance.events.map((sent) => (sent.payload as Record<string, unknown>).event_id)).toEqual(ids)
  })

  test('with `each`, also after kill -9', async () => {
    const ended = await new Promise((resolve) => {
      const script = agentScript("process.kill(process.pid, 'SIGKILL')").replace("'main' }", "'main', spool: 'each' }")
      execFile(
        process.execPath,
        ['--conditions=@lictor/source', '--input-type=module', '--eval', script],
        { cwd: fileURLToPath(new URL('../..', import.meta.url)), env: { ...process.env, LICTOR_SPOOL_DIR: folder } },
        (error) => resolve(error?.signal),
      )
    })
    expect(ended).toBe('SIGKILL')
    openSink()
    await until(() => governance.events.length === 2 && files().length === 0, 'the file is delivered and gone')
  })
})

describe('a spool file', () => {
  const leaveBehind = (lines: readonly string[], who = owner, process_ = ENDED) => {
    const path = spoolPath(folder, who, process_)
    writeFileSync(path, lines.join('\n'))
    return path
  }
  const line = (id: string) => JSON.stringify({ call_id: id, agent_id: 'a', tool_name: 't', verdict: 'call_allowed' })

  test('of a process that lives, of another agent or of another key is left alone', async () => {
    leaveBehind([line('1')], owner, thisProcess())
    leaveBehind([line('2')], { ...owner, agentId: 'b' })
    leaveBehind([line('3')], { ...owner, keyPrefix: 'edk_production_zzzzzzzz' })
    leaveBehind([line('4')])
    openSink()
    await until(() => files().length === 3, 'the abandoned file is delivered')
    expect(governance.events.map((sent) => sent.call_id)).toEqual(['4'])
  })

  test('whose process number was given to another process is delivered', async () => {
    leaveBehind([line('1')], owner, { pid: process.pid, start: 'long ago' })
    openSink()
    await until(() => files().length === 0, 'the file is delivered')
    expect(governance.events).toHaveLength(1)
  })

  test('that ends in the middle of a line loses that line only', async () => {
    leaveBehind([line('1'), line('2'), '{"call_id":"3","too'])
    openSink()
    await until(() => files().length === 0, 'the file is delivered')
    expect(governance.events.map((sent) => sent.call_id)).toEqual(['1', '2'])
  })

  test('stays while the server is away, and goes after the next delivery', async () => {
    const bundles = governance.intercept
    leaveBehind([line('old')])
    governance.intercept = () => ({ status: 503 })
    const sink = openSink()
    await until(() => console_.to('/api/v1/events').length === 1, 'the server was asked')
    await settle()
    expect(files()).toHaveLength(1)
    governance.intercept = bundles
    sink.emit(event('new'))
    await sink.flush()
    await until(() => files().length === 0, 'the file is delivered')
    expect(governance.events.map((sent) => sent.call_id)).toEqual(['new', 'old'])
  })

  test('found by two guards at once is delivered whole; events sent twice carry the same ids', async () => {
    const lines = Array.from({ length: 30 }, (_, index) => line(String(index)))
    leaveBehind(lines)
    openSink()
    openSink()
    await until(() => files().length === 0 && governance.events.length >= 30, 'the file is delivered')
    const ids = new Set(governance.events.map((sent) => sent.call_id))
    expect(ids.size).toBe(30)
    expect(warnings).toEqual([])
  })

  test('goes the way of its events: closing without a server leaves them to the next guard of this process', async () => {
    governance.intercept = () => ({ status: 503 })
    const first = openSink()
    first.emit(event('1'))
    first.emit(event('2', { list: [1] }))
    await first.close()
    expect(linesOf(onlyFile()).map((sent) => sent.call_id)).toEqual(['1', '2'])
    governance.intercept = () => null
    const second = openSink()
    await second.flush()
    expect(governance.events.map((sent) => sent.call_id)).toEqual(['1', '2'])
    expect(files()).toEqual([])
  })

  test('is one for all guards of a process, key and agent', async () => {
    governance.intercept = () => ({ status: 503 })
    const both = [openSink(), openSink()]
    for (const [index, sink] of both.entries()) sink.emit(event(String(index)))
    for (const sink of both) await sink.close()
    expect(linesOf(onlyFile()).map((sent) => sent.call_id)).toEqual(['0', '1'])
    governance.intercept = () => null
    await openSink().flush()
    expect(files()).toEqual([])
  })

  test('with `each` holds an event as soon as it is emitted, and is gone when all are delivered', async () => {
    const sink = openSink({ spool: 'each' })
    sink.emit(event('1'))
    expect(linesOf(onlyFile()).map((sent) => sent.call_id)).toEqual(['1'])
    sink.emit(event('2'))
    expect(linesOf(onlyFile()).map((sent) => sent.call_id)).toEqual(['1', '2'])
    await sink.flush()
    expect(files()).toEqual([])
    sink.emit(event('3'))
    expect(linesOf(onlyFile()).map((sent) => sent.call_id)).toEqual(['3'])
  })

  test('that cannot be written is one warning; calls go on', async () => {
    const blocked = join(folder, 'blocked')
    mkdirSync(blocked)
    writeFileSync(join(blocked, 'file'), '')
    chmodSync(blocked, 0o500)
    const sink = openSink({ spool: 'each', spoolFolder: join(blocked, 'file', 'below') })
    sink.emit(event('1'))
    sink.emit(event('2'))
    expect(warnings.filter((warning) => warning.includes('cannot be written'))).toHaveLength(1)
    await sink.flush()
    expect(governance.events).toHaveLength(2)
    chmodSync(blocked, 0o700)
  })

  test('is bounded: the newest 32 MiB stay', async () => {
    governance.intercept = () => ({ status: 503 })
    const sink = openSink({ maxBufferSize: 10_000, batchSize: 10_000 })
    const padding = 'x'.repeat(30_000)
    for (let index = 0; index < 1_300; index++) sink.emit(event(String(index), { padding }))
    await sink.close()
    const path = onlyFile()
    expect(statSync(path).size).toBeLessThanOrEqual(32 * 1024 * 1024)
    expect(linesOf(path).at(-1)?.call_id).toBe('1299')
    rmSync(path)
  })

  test('is not written at all with `false`', async () => {
    governance.intercept = () => ({ status: 503 })
    const sink = openSink({ spool: false })
    sink.emit(event('1'))
    await sink.close()
    expect(files()).toEqual([])
    expect(sink.dropped).toBe(1)
  })
})

test('closing waits five seconds for a server that swallows everything, and keeps what waits', async () => {
  governance.intercept = () => new Promise(() => {})
  const sink = openSink()
  sink.emit(event('1'))
  const closed = sink.close()
  await until(() => console_.to('/api/v1/events').length === 1, 'the delivery is on its way')
  await clock.advance(5_000)
  await closed
  expect(linesOf(onlyFile()).map((sent) => sent.call_id)).toEqual(['1'])
  expect(clock.pendingTimers).toBe(0)
})

test('spool files lie where the setting says, else in the user’s cache folder', () => {
  expect(spoolFolder({ LICTOR_SPOOL_DIR: '/var/spool/lictor' }, 'linux')).toBe('/var/spool/lictor')
  expect(spoolFolder({ XDG_CACHE_HOME: '/home/a/.cache' }, 'linux')).toBe('/home/a/.cache/lictor/spool')
  expect(spoolFolder({}, 'linux')).toMatch(/\.cache\/lictor\/spool$/)
  expect(spoolFolder({}, 'darwin')).toMatch(/Library\/Caches\/lictor\/spool$/)
  expect(spoolFolder({ LOCALAPPDATA: 'C:/Users/a/AppData/Local' }, 'win32')).toMatch(/AppData\/Local.lictor.spool$/)
})
