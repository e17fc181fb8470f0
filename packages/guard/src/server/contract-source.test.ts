import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { FakeConsole } from '../testing/fake-console.ts'
import { ManualClock, settle, until } from '../testing/manual-clock.ts'
import { EdictumServerClient, type EdictumServerClientOptions } from './client.ts'
import { type ContractSourceItem, ServerContractSource } from './contract-source.ts'

let console_: FakeConsole
let clock: ManualClock
let client: EdictumServerClient
let source: ServerContractSource
let items: ContractSourceItem[]
let watching: Promise<void>
let log: string[]

const start = (options: Partial<EdictumServerClientOptions> = {}) => {
  client = new EdictumServerClient({
    baseUrl: console_.url,
    apiKey: 'k',
    agentId: 'a',
    logger: silentLogger,
    clock,
    ...options,
  })
  const write = (level: string) => (line: string) => void log.push(`${level}: ${line}`)
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  source = new ServerContractSource(client, { clock, logger })
}
const watch = () => {
  watching = (async () => {
    for await (const item of source.watch()) items.push(item)
  })()
}
const update = (revision: string) => ({ type: 'contract_update', bundle_name: 'main', revision_hash: revision })
const received = (count: number) => until(() => items.length >= count, `${count} items`)

beforeEach(async () => {
  console_ = await FakeConsole.start()
  clock = new ManualClock()
  items = []
  log = []
  watching = Promise.resolve()
})
afterEach(async () => {
  source.close()
  await watching
  client.close()
  await console_.close()
})

describe('what the stream is asked for', () => {
  test('env always; bundle, revision and tags only when known', async () => {
    start({ env: 'staging' })
    watch()
    const { seen } = await console_.streamNumber(1)
    expect(Object.fromEntries(seen.query)).toEqual({ env: 'staging' })
    expect(seen.headers).toMatchObject({
      accept: 'text/event-stream',
      'cache-control': 'no-store',
      authorization: 'Bearer k',
    })
    expect(seen.headers['last-event-id']).toBeUndefined()
  })

  test('tags travel as JSON text', async () => {
    start({ bundleName: 'main', tags: { team: 'platform' } })
    source.currentRevision = 'abc'
    watch()
    const { seen } = await console_.streamNumber(1)
    expect(Object.fromEntries(seen.query)).toEqual({
      env: 'production',
      bundle_name: 'main',
      policy_version: 'abc',
      tags: '{"team":"platform"}',
    })
  })

  test('a reconnect tells the revision in force by then, and the last event dealt with', async () => {
    start({ bundleName: 'main' })
    watch()
    const first = await console_.streamNumber(1)
    first.send('contract_update', update('r2'), '41')
    first.send('bundle_uploaded', {}, '42')
    first.send('contract_update', update('r3'), '43')
    await received(2)
    source.currentRevision = 'r3'
    await settle()
    first.end()
    await until(() => clock.nextDelay === 1_000, 'the pause')
    await clock.advance(1_000)
    const { seen } = await console_.streamNumber(2)
    expect(seen.query.get('policy_version')).toBe('r3')
    expect(seen.headers['last-event-id']).toBe('43')
    // The server replays what was missed: nothing needs to be compared.
    expect(items.map((item) => item.type)).toEqual(['contract_update', 'contract_update'])
  })

  test('reopen connects at once with the new bundle name', async () => {
    start({ bundleName: 'main' })
    watch()
    const first = await console_.streamNumber(1)
    client.bundleName = 'next'
    source.reopen()
    const { seen } = await console_.streamNumber(2)
    expect(seen.query.get('bundle_name')).toBe('next')
    await until(() => first.closed, 'the old stream is gone')
  })
})

describe('what the stream says', () => {
  test('updates arrive whole, however the bytes are cut', async () => {
    start()
    watch()
    const stream = await console_.streamNumber(1)
    const bytes = Buffer.from(`event: contract_update\r\ndata: ${JSON.stringify({ ...update('ü€😀'), x: 1 })}\r\n\r\n`)
    for (const byte of bytes) {
      stream.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await received(1)
    expect(items[0]).toEqual({ type: 'contract_update', update: { ...update('ü€😀'), x: 1 } })
  })

  test('an event of 1.4 MB is delivered', async () => {
    start()
    watch()
    const stream = await console_.streamNumber(1)
    stream.send('contract_update', { ...update('r'), yaml_bytes: 'A'.repeat(1_400_000) })
    await received(1)
  })

  test('what is no JSON object is skipped and the stream goes on', async () => {
    start()
    watch()
    const stream = await console_.streamNumber(1)
    stream.send('contract_update', '{"a":')
    stream.send('contract_update', '[1]')
    stream.send('contract_update', 'null')
    stream.send('unheard_of', {})
    stream.send('contract_update', update('r'))
    await received(1)
    expect(items).toHaveLength(1)
    expect(log.filter((line) => line.startsWith('warn'))).toHaveLength(3)
  })

  test('an assignment without a usable, new name is ignored', async () => {
    start({ bundleName: 'main' })
    watch()
    const stream = await console_.streamNumber(1)
    for (const bundle_name of ['../x', null, 7, 'main', '']) stream.send('assignment_changed', { bundle_name })
    stream.send('assignment_changed', { bundle_name: 'next' })
    await received(1)
    expect(items).toEqual([{ type: 'assignment_changed', bundleName: 'next' }])
    expect(client.bundleName).toBe('main')
  })

  test('a decided approval is passed on to whoever waits', async () => {
    start()
    const decided: string[] = []
    source.onApprovalDecided = (id) => decided.push(id)
    watch()
    const stream = await console_.streamNumber(1)
    stream.send('approval_decided', { approval_id: 'ap-1', status: 'approved' })
    await until(() => decided.length === 1, 'the decision')
    expect(decided).toEqual(['ap-1'])
  })
})

describe('when the connection ends', () => {
  test('delays double from one second to sixty', async () => {
    console_.answerStream = () => ({ status: 503, json: {} })
    start()
    watch()
    for (const delay of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await until(() => clock.nextDelay === delay * 1_000, `a pause of ${delay} s`)
      expect(source.connected).toBe(false)
      await clock.advance(delay * 1_000)
    }
    expect(log.filter((line) => line.startsWith('warn'))).toHaveLength(1)
    expect(log.filter((line) => line.startsWith('info'))).toHaveLength(2)
  })

  test('a clean end waits one second, every time', async () => {
    start()
    watch()
    for (let round = 1; round <= 3; round++) {
      const stream = await console_.streamNumber(round)
      stream.end()
      await until(() => clock.nextDelay === 1_000, 'the pause')
      await clock.advance(1_000)
    }
    await console_.streamNumber(4)
  })

  test('a connection that lived thirty seconds starts the delays anew', async () => {
    console_.answerStream = () => ({ status: 503 })
    start()
    watch()
    for (const delay of [1_000, 2_000]) {
      await until(() => clock.nextDelay === delay, 'a pause')
      if (delay === 2_000) console_.answerStream = null
      await clock.advance(delay)
    }
    const stream = await console_.streamNumber(1)
    await until(() => source.connected, 'connected')
    await clock.advance(30_000)
    stream.write('data: \ufffd')
    await settle()
    console_.dropStreams()
    await until(() => clock.nextDelay === 1_000, 'the first delay again')
  })

  test('silence of 300 seconds is a lost connection, keepalives are no silence', async () => {
    start()
    watch()
    const stream = await console_.streamNumber(1)
    await until(() => source.connected, 'connected')
    await settle()
    await clock.advance(299_000)
    const timers = clock.delays.length
    stream.write(': keepalive\n\n')
    await until(() => clock.delays.length > timers, 'the keepalive was heard')
    await clock.advance(299_000)
    expect(source.connected).toBe(true)
    await clock.advance(1_000)
    await until(() => !source.connected && clock.nextDelay === 1_000, 'the connection is given up')
  })

  test('a JSON answer is a failed connection, not a stream', async () => {
    console_.answerStream = () => ({ status: 200, json: { event: 'contract_update' } })
    start()
    watch()
    await until(() => clock.nextDelay === 1_000, 'the pause')
    expect(items).toEqual([])
  })

  test('a refused key is said once, and tried again for ever', async () => {
    console_.answerStream = () => ({ status: 401, json: { detail: 'no' } })
    start()
    const refusals: number[] = []
    source.onRefused = (error) => refusals.push(error.statusCode)
    watch()
    for (const delay of [1_000, 2_000]) {
      await until(() => clock.nextDelay === delay, 'a pause')
      await clock.advance(delay)
    }
    await until(() => clock.nextDelay === 4_000, 'a pause')
    expect(refusals).toEqual([401])
    expect(log.filter((line) => line.startsWith('error'))).toHaveLength(1)
  })

  test('a server without event ids: after a reconnect the bundle in force is to be compared', async () => {
    start({ bundleName: 'main' })
    watch()
    const first = await console_.streamNumber(1)
    first.end()
    await until(() => clock.nextDelay === 1_000, 'the pause')
    await clock.advance(1_000)
    await received(1)
    expect(items).toEqual([{ type: 'reconnected' }])
  })
})

describe('close', () => {
  test('ends the iterator while connected and while waiting to reconnect', async () => {
    start()
    watch()
    await console_.streamNumber(1)
    source.close()
    await watching
    expect([source.closed, source.connected]).toEqual([true, false])

    console_.answerStream = () => ({ status: 503 })
    start()
    watch()
    await until(() => clock.nextDelay === 1_000, 'the pause')
    source.close()
    await watching
    expect(clock.pendingTimers).toBe(0)
  })
})
