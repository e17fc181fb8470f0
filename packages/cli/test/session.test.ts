import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Edictum, silentLogger } from '@lictor/guard'
import { workflowGates } from '@lictor/guard/gates'
import { EdictumServerClient, ServerApprovalBackend, ServerAuditSink, ServerBackend } from '@lictor/guard/server'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkbench, type Workbench } from './workbench.ts'

const TRAIN = `
apiVersion: edictum/v1
kind: Workflow
metadata: {name: train, version: "3"}
stages:
  - {id: read, tools: [Read], exit: [{condition: 'file_read("CHECKLIST.md")', message: Read the checklist first}]}
  - {id: sign, approval: {message: The release manager must agree}}
  - {id: ship, tools: [Bash], exit: [{condition: 'command_matches("^make release$")'}]}
`

let server: Awaited<ReturnType<typeof createServer>>
let folder = ''
let url = ''
let key = ''
let admin: Workbench
let cli: Workbench

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-session-'))
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
  admin = createWorkbench({}, { LICTOR_DATA_DIR: folder, LICTOR_URL: url })
  key = (await admin.run('key', 'create', '--env', 'production')).out.trim()
  cli = createWorkbench({ 'train.yaml': TRAIN }, { LICTOR_URL: url, LICTOR_API_KEY: key })
})
afterAll(async () => {
  admin?.close()
  cli?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

function connected() {
  const client = new EdictumServerClient({ baseUrl: url, apiKey: key, agentId: 'release-bot', logger: silentLogger })
  return new Edictum({
    backend: new ServerBackend(client, { logger: silentLogger }),
    auditSink: new ServerAuditSink(client, { spool: false }),
    approvalBackend: new ServerApprovalBackend(client),
    gates: workflowGates(TRAIN),
    logger: silentLogger,
  })
}

test('a session of a guard is shown, asked about in the inbox, taken back and moved, over the server', async () => {
  const guard = connected()
  const session = { sessionId: 'train-7' }
  const bash = (command: string) => guard.run('Bash', { command }, () => 'ok', session)
  await expect(bash('make release')).rejects.toThrow('Read the checklist first')
  const shown = await cli.run('session', 'show', 'train-7', '--workflow', 'train.yaml')
  expect(shown.code).toBe(0)
  expect(shown.out.split('\n')).toEqual([
    'train-7  train 3  1 attempts, 0 executions',
    '▶ read',
    '  sign',
    '  ship',
    'blocked: Read the checklist first',
    expect.stringMatching(/^last blocked: Bash make release \(20/),
  ])
  await guard.run('Read', { file_path: 'CHECKLIST.md' }, () => 'text', session)
  const asked = bash('make release')
  const pending = async () =>
    ((await admin.run('approvals', 'list', '--json')).json() as { id: string; status: string }[]).filter(
      ({ status }) => status === 'pending',
    )
  await expect.poll(async () => (await pending()).length).toBe(1)
  const waits = await cli.run('session', 'show', 'train-7', '--workflow', 'train.yaml')
  expect(waits.out).toContain('✓ read\n▶ sign  waits for approval: The release manager must agree\n')
  const [question] = await pending()
  expect((await admin.run('approvals', 'approve', question?.id ?? '')).code).toBe(0)
  expect(await asked).toBe('ok')
  const done = await cli.run('session', 'show', 'train-7', '--workflow', 'train.yaml', '--json')
  expect(done.json()).toMatchObject({
    executions: 2,
    workflow: { active_stage: '', completed_stages: ['read', 'sign', 'ship'] },
  })
  const back = await cli.run('session', 'reset', 'train-7', 'sign', '--workflow', 'train.yaml')
  expect(back.out).toContain('✓ read\n▶ sign')
  expect((await guard.workflowStatus(session)).completed_stages).toEqual(['read'])
  const moved = await cli.run('session', 'move', 'train-7', 'ship', '--workflow', 'train.yaml')
  expect(moved.out).toContain('▶ ship')
  expect(await bash('ls')).toBe('ok')
  await guard.close()
})

test('a stage that is not there, a file that is no workflow and a missing key are said so', async () => {
  const nowhere = await cli.run('session', 'reset', 's', 'nowhere', '--workflow', 'train.yaml')
  expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('it has read, sign, ship')])
  cli.write('other.yaml', 'kind: Nothing')
  const other = await cli.run('session', 'show', 's', '--workflow', 'other.yaml')
  expect([other.code, other.err]).toEqual([2, expect.stringContaining('workflow: ')])
  const keyless = await admin.run('session', 'show', 's', '--workflow', 'train.yaml')
  expect([keyless.code, keyless.err]).toEqual([2, expect.stringContaining('LICTOR_API_KEY')])
})
