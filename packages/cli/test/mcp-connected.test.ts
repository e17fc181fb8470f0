import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { bundleOf, endClients, LICTOR, mcpBench, rawClient, type Said } from './mcp-client.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

let server: Awaited<ReturnType<typeof createServer>>
let folder = ''
let url = ''
let cli: Workbench
let key = ''
const bench = mcpBench()

const ASK = bundleOf(
  `  - id: ask
    type: pre
    tool: write
    when: { args.text: { exists: true } }
    then: { effect: approve, message: 'Write {args.text}?' }
`,
)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-mcp-server-'))
  const environment = {
    LICTOR_DATA_DIR: folder,
    LICTOR_PORT: '0',
    LICTOR_ADMIN_EMAIL: 'admin@example.com',
    LICTOR_ADMIN_PASSWORD: 'correct horse battery',
  }
  server = await createServer(readConfig(environment), pino({ level: 'silent' }), {
    consoleDir: null,
    passwordCost: 16,
  })
  url = await server.listen()
  cli = createWorkbench({ 'mcp.yaml': ASK }, { LICTOR_DATA_DIR: folder, LICTOR_URL: url })
  key = (await cli.run('key', 'create', '--env', 'production')).out.trim()
  expect((await cli.run('bundle', 'upload', 'mcp.yaml')).code).toBe(0)
  expect((await cli.run('bundle', 'deploy', 'mcp', '1', '--env', 'production')).code).toBe(0)
})
afterEach(endClients)
afterAll(async () => {
  cli?.close()
  bench.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Waiting {
  readonly id: string
  readonly tool_name: string
  readonly status: string
}

const waiting = async () =>
  (await cli.run('approvals', 'list', '--json')).json() as Waiting[] | { readonly approvals: readonly Waiting[] }
const questions = async (tool: string) => {
  const found = await waiting()
  return (Array.isArray(found) ? found : (found as { approvals: Waiting[] }).approvals).filter(
    ({ tool_name, status }) => tool_name === tool && status === 'pending',
  )
}
async function question(tool: string): Promise<Waiting> {
  await expect.poll(async () => (await questions(tool)).length).toBe(1)
  return (await questions(tool))[0] as Waiting
}

/** A wrapped server whose contracts are live at the server; what it was asked to write stands in a file. */
function connected(name: string, body: string, ...options: string[]) {
  const command = [
    ...LICTOR,
    ...['mcp', 'wrap', '--url', url, '--bundle', 'mcp', '--name', name, '--pins', join(bench.folder, 'pins')],
    ...options,
    '--',
    ...bench.server(`
  if (method === 'tools/list') return say({ id, result: { tools: [tool('write')] } })
  ${body}`),
  ]
  return rawClient(command, { ...process.env, LICTOR_API_KEY: key })
}
const WRITES = `if (method === 'tools/call') return say({ id, result: text('written ' + params.arguments.text) })`
const textOf = (answer: Said) => (answer.result as { content: { text: string }[] }).content[0]?.text

it('a call waits for a person, runs once when one approves it, and the audit log knows it', async () => {
  const client = connected('approved', WRITES)
  await client.begin()
  const call = client.call('write', { text: 'a' })
  const { id } = await question('write')
  expect((await cli.run('approvals', 'approve', id)).code).toBe(0)
  expect(textOf(await call)).toBe('written a')
  const denied = client.call('write', { text: 'b' })
  const second = await question('write')
  expect((await cli.run('approvals', 'deny', second.id, '--reason', 'not now')).code).toBe(0)
  expect(await denied).toMatchObject({ result: { isError: true } })
  expect(textOf(await denied)).toContain('not now')
  expect(await client.end()).toBe(0)
})

it('a client that waits no longer is asked to call again: one question, one call', async () => {
  const client = connected('impatient', WRITES, '--patience', '1')
  await client.begin()
  const first = await client.call('write', { text: 'again' })
  expect(textOf(first)).toContain('Still waiting')
  const { id } = await question('write')
  const second = client.call('write', { text: 'again' })
  expect((await cli.run('approvals', 'approve', id)).code).toBe(0)
  expect(textOf(await second)).toBe('written again')
  expect(await questions('write')).toEqual([])
  await client.end()
})

it('what was cancelled does not run, whoever approves it afterwards', async () => {
  const written = join(bench.folder, 'written')
  const client = connected(
    'cancelled',
    `if (method === 'tools/call') { appendFileSync(${JSON.stringify(written)}, params.arguments.text); return say({ id, result: text('x') }) }`,
  )
  await client.begin()
  client.send({ id: 'c', method: 'tools/call', params: { name: 'write', arguments: { text: 'c' } } })
  const { id } = await question('write')
  client.send({ method: 'notifications/cancelled', params: { requestId: 'c' } })
  // Answered behind the cancel, so it was taken.
  await client.request('tools/list')
  expect((await cli.run('approvals', 'approve', id)).code).toBe(0)
  const other = client.call('write', { text: 'd' })
  const second = await question('write')
  expect((await cli.run('approvals', 'approve', second.id)).code).toBe(0)
  expect(textOf(await other)).toBe('x')
  client.send({ id: 'e', method: 'tools/call', params: { name: 'write', arguments: { text: 'e' } } })
  const third = await question('write')
  expect(await client.end()).toBe(0)
  expect((await cli.run('approvals', 'approve', third.id)).code).toBe(0)
  expect(readFileSync(written, 'utf8')).toBe('d')
})

it('a tool that changed is accepted in the inbox, and the client is told to list again', async () => {
  const CHANGES = `
  globalThis.changed ||= method === 'tools/call'
  if (method === 'tools/call') {
    say({ id, result: text('called') })
    say({ method: 'notifications/tools/list_changed' })
  }`
  const client = rawClient(
    [
      ...LICTOR,
      ...[
        'mcp',
        'wrap',
        '--url',
        url,
        '--bundle',
        'mcp',
        '--name',
        'changes',
        '--pins',
        join(bench.folder, 'pins'),
        '--',
      ],
      ...bench.server(`
  if (method === 'tools/list') return say({ id, result: { tools: [tool('other', globalThis.changed ? { description: 'Another.' } : {})] } })
  ${CHANGES}`),
    ],
    { ...process.env, LICTOR_API_KEY: key },
  )
  await client.begin()
  expect(textOf(await client.call('other'))).toBe('called')
  expect(textOf(await client.call('other'))).toContain('held back')
  const { id } = await question('mcp.tools.accept')
  const told = client.said.filter(({ method }) => method === 'notifications/tools/list_changed').length
  expect((await cli.run('approvals', 'approve', id)).code).toBe(0)
  await expect
    .poll(() => client.said.filter(({ method }) => method === 'notifications/tools/list_changed').length)
    .toBe(told + 1)
  expect(textOf(await client.call('other'))).toBe('called')
  await client.end()
})

it('without its server nothing runs', async () => {
  const client = rawClient(
    [
      ...LICTOR,
      ...[
        'mcp',
        'wrap',
        '--url',
        'http://127.0.0.1:9',
        '--bundle',
        'mcp',
        '--name',
        'alone',
        '--pins',
        join(bench.folder, 'pins'),
        '--',
      ],
      ...bench.server(`if (method === 'tools/list') return say({ id, result: { tools: [tool('write')] } })\n${WRITES}`),
    ],
    { ...process.env, LICTOR_API_KEY: key },
  )
  await client.begin()
  expect(await client.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'write' }] } })
  const answer = await client.call('write', {})
  expect(answer).toMatchObject({ result: { isError: true } })
  expect(textOf(answer)).toContain('was not made')
  await client.end()
})
