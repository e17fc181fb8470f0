import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { call, readStream, until, world } from '../../../test/runtime.ts'

/** A bootstrap of a few lines, as people write their own: it keeps what it was answered. */
const bootstrap = `
import { appendFileSync } from 'node:fs'
const { AEGIS_ORCHESTRATOR_URL, AEGIS_EXECUTION_ID, AEGIS_ITERATION, OWN } = process.env
const execution_id = AEGIS_EXECUTION_ID
async function say(message) {
  const answer = await fetch(AEGIS_ORCHESTRATOR_URL + '/v1/dispatch-gateway', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ execution_id, ...message }),
  })
  const reply = await answer.json()
  appendFileSync('replies', JSON.stringify({ OWN, AEGIS_ITERATION, reply }) + '\\n')
  if (!answer.ok) process.exit(1)
  return reply
}
let reply = await say({ type: 'generate', iteration_number: Number(AEGIS_ITERATION), prompt: 'at ' + Date.now() })
while (reply.type === 'dispatch') {
  const { dispatch_id } = reply
  reply = await say({ type: 'dispatch_result', dispatch_id, exit_code: 0, stdout: 'by myself', stderr: '', duration_ms: 1, truncated: false })
}
process.stdout.write('own: ' + reply.content)
`

onEachDatabase('an agent with a bootstrap of its own', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  const own = () => {
    const path = join(mkdtempSync(join(tmpdir(), 'lictor-own-')), 'boot.mjs')
    writeFileSync(path, bootstrap)
    return { advanced: { bootstrap_path: path }, env: { OWN: 'kept' }, tools: ['run_command', 'write_file'] }
  }
  interface Kept {
    readonly OWN: string
    readonly AEGIS_ITERATION: string
    readonly reply: { readonly type: string; readonly conversation: readonly { readonly content: string }[] }
  }
  const replies = (workspace: string) =>
    readFileSync(join(workspace, 'replies'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Kept)

  it('runs it, with its environment and the protocol of every other', async () => {
    const w = await open([call('run_command', { command: 'make' }), { text: 'Done.' }], own())
    const { id, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'own: Done.' })
    expect(replies(w.workspace(id)).map(({ reply }) => reply.type)).toEqual(['dispatch', 'final'])
  })

  it('is given a key and a token that it signs tool calls with, until it ends; nothing shows them', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'lictor-own-')), 'boot.mjs')
    writeFileSync(
      path,
      `import { createPrivateKey, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
const { AEGIS_ORCHESTRATOR_URL: url, AEGIS_SEAL_TOKEN: token, AEGIS_SEAL_PRIVATE_KEY: seed, AEGIS_EXECUTION_ID: execution_id, NOW } = process.env
const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed, 'base64')])
const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
// Members in their canonical order.
const payload = { id: 'one', jsonrpc: '2.0', method: 'tools/call', params: { arguments: { content: 'by my key', path: 'signed.txt' }, name: 'fs.write' } }
const timestamp = Number(NOW)
const signature = sign(null, Buffer.from(JSON.stringify({ payload, security_token: token, timestamp })), key).toString('base64')
const envelope = JSON.stringify({ protocol: 'seal/v1', security_token: token, signature, payload, timestamp })
const send = (to, body) => fetch(url + to, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
const answer = await send('/v1/seal/invoke', envelope)
writeFileSync('envelope.json', envelope)
const reply = await (await send('/v1/dispatch-gateway', JSON.stringify({ execution_id, type: 'generate', iteration_number: 1, prompt: 'go' }))).json()
console.log(answer.status, token, seed, reply.content)
`,
    )
    const w = await world(async (environment) => {
      t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
      return t
    })([{ text: 'Done.' }], {
      advanced: { bootstrap_path: path },
      tools: ['fs.write'],
      env: { NOW: String(manualClock().now() / 1000) },
    })
    const { id, answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: '200 *** *** Done.' })
    expect(readFileSync(join(w.workspace(id), 'signed.txt'), 'utf8')).toBe('by my key')
    const envelope = readFileSync(join(w.workspace(id), 'envelope.json'), 'utf8')
    expect(JSON.stringify(events)).not.toContain((JSON.parse(envelope) as { security_token: string }).security_token)
    const late = await t.request({
      method: 'POST',
      url: '/v1/seal/invoke',
      headers: { 'content-type': 'application/json' },
      payload: envelope,
    })
    expect([late.statusCode, late.json().error.code]).toEqual([401, 1006])
  })

  it('is started anew for the same iteration, with the same environment, and gets the conversation so far', async () => {
    const w = await open(
      [
        call('write_file', { path: 'a.txt', content: 'x' }),
        call('run_command', { command: 'make' }),
        { text: 'Done.', delay_ms: 5_000 },
      ],
      own(),
    )
    const id = await w.start()
    await readStream(
      w.address,
      `/v1/executions/${id}/stream`,
      w.headers,
      ({ type }) => type === 'command_execution_completed',
    )
    await t.restart()
    const address = await t.listen()
    await readStream(address, `/v1/executions/${id}/stream`, w.headers, ({ type }) => type === 'execution_resumed')
    await until(async () => {
      await t.clock.advance(100)
      return (await w.get(id)).status !== 'running'
    })
    expect(await w.get(id)).toMatchObject({ status: 'completed', output: 'own: Done.', total_iterations: 1 })
    const kept = replies(w.workspace(id))
    expect(kept.map(({ OWN, AEGIS_ITERATION, reply }) => [OWN, AEGIS_ITERATION, reply.type])).toEqual([
      ['kept', '1', 'dispatch'],
      ['kept', '1', 'final'],
    ])
    const said = JSON.stringify(kept.at(-1)?.reply.conversation)
    expect(said).toContain('bytes_written')
    expect(said.match(/"role":"tool"/g)).toHaveLength(2)
  })

  it('is named by a path of a file, or the execution is refused', async () => {
    const w = await open([{ text: 'Done.' }], { advanced: { bootstrap_path: '/workspace/../etc/passwd' } })
    const begun = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: w.agent, input: 'go' },
    })
    expect(begun.statusCode).toBe(422)
    expect(begun.json().message).toContain("spec.advanced.bootstrap_path '/workspace/../etc/passwd'")
  })
})
