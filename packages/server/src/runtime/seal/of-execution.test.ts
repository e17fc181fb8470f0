import { Ed25519Key } from '@lictor/seal'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, readStream, world } from '../../../test/runtime.ts'
import { attest, sealHand } from '../../../test/seal.ts'
import { systemRandom } from '../../adapters/random/system.ts'

onEachDatabase('SEAL of an execution', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  /** The secrets that were drawn: the address of each attempt is among them. */
  let drawn: string[] = []
  const open = world(async (environment) => {
    drawn = []
    const bytes = (length: number) => {
      const made = systemRandom.bytes(length)
      if (length === 32) drawn.push(Buffer.from(made).toString('base64url'))
      return made
    }
    t = await start({
      environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_MAX_EXECUTIONS: '1' },
      overrides: { random: { ...systemRandom, bytes } },
    })
    return t
  })
  const spec = { tools: ['fs.read', 'fs.write'], execution: { mode: 'one-shot' } }
  const body = () => ({
    public_key: Ed25519Key.generate().getPublicKeyBase64(),
    security_context: 'aegis-system-agent-runtime',
  })

  /** An execution that waits for its model, and the path its own address begins with. */
  async function running(more: object = {}, turns: readonly object[] = []) {
    const late = { when: { agent: 'worker' }, text: 'late', delay_ms: 3_600_000 }
    const w = await open([late, ...turns], { ...spec, ...more })
    const id = await w.start()
    const spawned = (event: { type: string }) => event.type === 'instance_spawned'
    await readStream(w.address, `/v1/executions/${id}/stream`, w.headers, spawned)
    for (const secret of drawn.toReversed()) {
      const answer = await attest(t, body(), { prefix: `/x/${secret}` })
      if (answer.statusCode === 200) return { w, id, prefix: `/x/${secret}` }
    }
    throw new Error('No address of the execution was found.')
  }

  it('rests on its own address, under its own context and tools, on its own files, and ends with it', async () => {
    const { w, id, prefix } = await running()
    const other = await attest(t, { ...body(), security_context: 'default' }, { prefix })
    expect([other.statusCode, other.json().error.code]).toEqual([403, 3001])
    const seal = await sealHand(t, { security_context: 'aegis-system-agent-runtime' }, { prefix })
    expect((await seal.call('fs.write', { path: 'from-seal.txt', content: 'x' })).statusCode).toBe(200)
    const file = await t.request({ method: 'GET', url: `/v1/executions/${id}/files/from-seal.txt`, headers: w.headers })
    expect([file.statusCode, file.body]).toEqual([200, 'x'])
    // The manifest gives it no command, whatever its context would allow.
    const refused = await seal.call('cmd.run', { command: 'ls' })
    expect([refused.statusCode, refused.json().error.code]).toEqual([403, 2000])
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers })
    const late = await seal.call('fs.read', { path: 'from-seal.txt' })
    expect([late.statusCode, late.json().error.code]).toEqual([401, 1006])
    const events = await w.events(id)
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['tool_invocation_requested', 'tool_invocation_completed', 'execution_cancelled']),
    )
    const again = await attest(t, body(), { prefix })
    expect([401, 409]).toContain(again.statusCode)
  })

  it.each([
    ['refuses, keeps the call from being made, and says why', 0.1],
    ['accepts, lets it be made, each time it is asked', 0.9],
  ])('a judge of tool calls that %s', async (_what, score) => {
    const judged = { mode: 'one-shot', tool_validation: [{ type: 'semantic', judge_agent: 'warden' }] }
    const said = (n: number) => ({
      when: { agent: 'warden', prompt: `-${n}.txt` },
      text: JSON.stringify({ score, confidence: 0.9, reasoning: `I give ${score}.` }),
    })
    const { w, id, prefix } = await running({ execution: judged }, [said(1), said(2)])
    const warden = await deployAgent(t, w.headers, {}, { name: 'warden', labels: { role: 'judge' } })
    const seal = await sealHand(t, { security_context: 'aegis-system-agent-runtime' }, { prefix })
    for (const n of [1, 2]) {
      const answer = await seal.call('fs.write', { path: `from-seal-${n}.txt`, content: 'x' })
      expect([answer.statusCode, answer.json().error?.code]).toEqual(score < 0.7 ? [403, 4031] : [200, undefined])
      if (score < 0.7) expect(answer.json().message).toContain('I give 0.1.')
    }
    const file = `/v1/executions/${id}/files/from-seal-1.txt`
    const made = await t.request({ method: 'GET', url: file, headers: w.headers })
    expect(made.statusCode).toBe(score < 0.7 ? 404 : 200)
    const url = `/v1/executions?agent_id=${warden}`
    const children = (await t.request({ method: 'GET', url, headers: w.headers })).json().items
    expect(children).toMatchObject([{ parent_execution_id: id }, { parent_execution_id: id }])
    expect((await w.get(children[1].id)).input.proposed_tool_call.arguments.path).toBe('/workspace/from-seal-1.txt')
    // What changes nothing is looked at by no judge.
    expect((await seal.call('fs.read', { path: 'nothing.txt' })).json().payload.error.message).not.toContain('judge')
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers })
  })

  it('is bound by a bearer that names agent and execution; the same proof supersedes, another does not', async () => {
    const { w, id, prefix } = await running()
    const { agent_id } = await w.get(id)
    const asked = { security_context: 'aegis-system-agent-runtime', agent_id, execution_id: id }
    const byAddress = await sealHand(t, { security_context: 'aegis-system-agent-runtime' }, { prefix })
    const first = await sealHand(t, asked, { headers: w.headers })
    const second = await sealHand(t, asked, { headers: w.headers })
    const status = async (hand: typeof first) =>
      (await hand.call('fs.write', { path: 'a.txt', content: 'x' })).statusCode
    expect([await status(first), await status(second), await status(byAddress)]).toEqual([401, 200, 200])
    const wrong = await attest(t, { ...body(), ...asked, agent_id: crypto.randomUUID() }, { headers: w.headers })
    expect([wrong.statusCode, wrong.json().error.code]).toEqual([400, 3002])
    const foreign = await attest(t, { ...body(), execution_id: crypto.randomUUID() }, { headers: w.headers })
    expect([foreign.statusCode, foreign.json().error.code]).toEqual([404, 3000])
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers })
  })
})
