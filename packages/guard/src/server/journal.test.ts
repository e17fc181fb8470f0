import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { FakeConsole } from '../testing/fake-console.ts'
import { EdictumServerClient } from './client.ts'
import { appendToJournal, deliverJournal, journalSize } from './journal.ts'

let folder: string
let server: FakeConsole
let client: EdictumServerClient
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-journal-'))
  server = await FakeConsole.start()
  server.answer = () => ({ json: { accepted: 1 } })
  client = new EdictumServerClient({
    baseUrl: server.url,
    apiKey: 'edk_production_0123456789abcdef',
    agentId: 'gate',
    logger: silentLogger,
    maxRetries: 1,
  })
})
afterEach(async () => {
  client.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const owner = () => ({ keyPrefix: client.keyPrefix, agentId: 'gate' })
const append = (id: string) => appendToJournal(owner(), JSON.stringify({ id }), folder)
const deliver = () => deliverJournal({ client, logger: silentLogger, folder })
const arrived = () =>
  server.requests.flatMap(({ body }) => (body as { events: { id: string }[] }).events.map(({ id }) => id))

test('an event that is appended while others are on their way is delivered with the next ones', async () => {
  append('first')
  server.answer = () => {
    if (arrived().length === 1) append('second')
    return { json: { accepted: 1 } }
  }
  expect(await deliver()).toEqual({ delivered: 1, isComplete: true })
  expect(journalSize(owner(), folder).events).toBe(1)
  expect(await deliver()).toEqual({ delivered: 1, isComplete: true })
  expect(arrived()).toEqual(['first', 'second'])
  expect(readdirSync(folder)).toEqual([])
})

test('events that the server did not take stay, and go with the contracts of the agent', async () => {
  append('first')
  server.answer = () => ({ status: 503, json: {} })
  expect(await deliver()).toEqual({ delivered: 0, isComplete: false })
  expect(readdirSync(folder)).toHaveLength(1)
  server.answer = () => ({ json: { accepted: 1 } })
  append('second')
  const manifest = { agent_id: 'gate', policy_version: 'v', contracts: [] }
  expect(await deliverJournal({ client, logger: silentLogger, folder, manifest })).toMatchObject({ isComplete: true })
  expect(arrived()).toEqual(['first', 'first', 'second'])
  expect(server.requests.at(-1)?.body).toMatchObject({ agent_manifest: manifest })
})
