import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { idleInstance } from '../../../test/idle-instance.ts'
import { allEvents, call, readStream, serviceHeaders, types, world } from '../../../test/runtime.ts'

type Body = Record<string, unknown>

onEachDatabase('what the dispatch gateway refuses', (start) => {
  let t: TestServer

  /** An execution whose instance says nothing, so that the test is the one that speaks for it. */
  async function begun(turns: readonly object[], tools: readonly string[] = ['run_command']) {
    const open = world(async (environment) => {
      t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
      return t
    })
    const w = await open(turns, { tools, ...idleInstance() })
    const id = await w.start()
    await readStream(w.address, `/v1/executions/${id}/stream`, w.headers, ({ type }) => type === 'instance_spawned')
    const generate = { type: 'generate', execution_id: id, iteration_number: 1, model_alias: 'default', prompt: 'go' }
    const result = { type: 'dispatch_result', execution_id: id, exit_code: 0, stdout: 'out' }
    const send = async (payload: Body | string, headers: Record<string, string> = w.headers) => {
      const json = { 'content-type': 'application/json' }
      const answer = await t.request({
        method: 'POST',
        url: '/v1/dispatch-gateway',
        headers: { ...json, ...headers },
        payload,
      })
      return [answer.statusCode, answer.json() as Body] as const
    }
    return { ...w, id, generate, result, send }
  }
  const command = call('run_command', { command: 'make' })
  /** Asked to wait longer than there is time, nobody waits. */
  const failing = (errorClass: string) => ({
    error: { class: errorClass, message: `It said ${errorClass}.`, retry_after_ms: 86_400_000 },
  })

  const upstream = [
    ['authentication', 502, 'upstream_authentication'],
    ['network', 502, 'upstream_network'],
    ['provider', 502, 'upstream_provider'],
    ['model_not_found', 502, 'upstream_model_not_found'],
    ['invalid_input', 502, 'upstream_invalid_input'],
    ['timeout', 502, 'upstream_network'],
    ['rate_limit', 429, 'upstream_rate_limit'],
    ['service_unavailable', 503, 'upstream_unavailable'],
  ] as const
  describe('of a model', () => {
    let w: Awaited<ReturnType<typeof begun>>
    // One server for all: which failure a conversation meets follows from its prompt.
    beforeAll(async () => {
      const failures = upstream.map(([errorClass]) => ({ when: { prompt: errorClass }, ...failing(errorClass) }))
      w = await begun([command, ...failures])
    })
    afterAll(() => t.close())

    it.each(upstream)('a model that fails by %s: %i, %s', async (errorClass, status, tag) => {
      const id = await w.start()
      const stream = `/v1/executions/${id}/stream`
      await readStream(w.address, stream, w.headers, ({ type }) => type === 'instance_spawned')
      const [, { dispatch_id }] = await w.send({ ...w.generate, execution_id: id, prompt: errorClass })
      const error = `${tag}: It said ${errorClass}.`
      expect(await w.send({ ...w.result, execution_id: id, dispatch_id })).toEqual([status, { error, message: error }])
      const told = await readStream(w.address, stream, w.headers, ({ type }) => type === 'llm_call_failed')
      expect(told.at(-1)?.llm_call_failed).toMatchObject({
        iteration_number: 1,
        provider: 'scripted',
        error_class: errorClass,
        message: `It said ${errorClass}.`,
        attempts: 1,
        elapsed_ms: 0,
        fallback_attempted: false,
      })
    })
  })

  describe('of a message', () => {
    afterEach(() => t.close())

    it('an execution that nobody knows, or that is of another tenant: 404', async () => {
      const w = await begun([command])
      const unknown = crypto.randomUUID()
      const said = (id: string) => `Unknown or expired execution_id: ${id}`
      const refused = (id: string) => [404, { error: said(id), message: said(id) }]
      expect(await w.send({ ...w.generate, execution_id: unknown })).toEqual(refused(unknown))
      expect(await w.send({ ...w.result, dispatch_id: 'd', execution_id: unknown })).toEqual(refused(unknown))
      expect(await w.send(w.generate, await serviceHeaders(t, {}, await t.otherTenant()))).toEqual(refused(w.id))
    })

    it('another dispatch_id than that of the command that is out: 409, and the right one still goes on', async () => {
      const w = await begun([command, { text: 'Done.' }])
      const [, { dispatch_id }] = await w.send(w.generate)
      const said = `Mismatched dispatch_id for execution_id: ${w.id}`
      for (const other of [crypto.randomUUID(), ''])
        expect(await w.send({ ...w.result, dispatch_id: other })).toEqual([
          409,
          { error: 'mismatched_dispatch_id', message: said },
        ])
      expect(await w.send({ ...w.result, dispatch_id })).toMatchObject([200, { type: 'final', content: 'Done.' }])
    })

    it('a result for which no command is out, or another one for a command that is back: 409', async () => {
      const w = await begun([command, { text: 'Done.' }])
      const refused = [
        409,
        {
          error: 'no_pending_dispatch',
          message: 'No command is out at this execution: the result came twice or too late.',
        },
      ]
      expect(await w.send({ ...w.result, dispatch_id: 'd' })).toEqual(refused)
      const [, { dispatch_id }] = await w.send(w.generate)
      expect((await w.send({ ...w.result, dispatch_id }))[0]).toBe(200)
      expect(await w.send({ ...w.result, dispatch_id, stdout: 'else' })).toEqual(refused)
    })

    it('a new prompt while a command is out: 409, and the command is not forgotten', async () => {
      const w = await begun([command, { text: 'Done.' }])
      const [, { dispatch_id }] = await w.send(w.generate)
      expect(await w.send(w.generate)).toEqual([
        409,
        { error: 'pending_dispatch', message: 'A command is out at this execution; its result comes first.' },
      ])
      expect(await w.send({ ...w.result, dispatch_id })).toMatchObject([200, { type: 'final' }])
    })

    it('a second message while the first is being answered: 409', async () => {
      const w = await begun([{ text: 'late', delay_ms: 60_000 }])
      // Which of two comes first is for nobody to say; the other is answered at once.
      const both = [w.send(w.generate), w.send(w.generate)]
      const busy = [409, { error: 'busy', message: 'A message of this execution is being answered already.' }]
      expect(await Promise.race(both)).toEqual(busy)
      await t.request({ method: 'POST', url: `/v1/executions/${w.id}/cancel`, headers: w.headers })
      const ended = [409, { error: 'execution_ended', message: 'This execution has ended.' }]
      expect(await Promise.all(both)).toEqual(expect.arrayContaining([busy, ended]))
    })

    it('the agent of another execution, another iteration: 403 and 409; no agent is the right one', async () => {
      const w = await begun([{ text: 'Done.' }])
      expect(await w.send({ ...w.generate, agent_id: crypto.randomUUID() })).toEqual([
        403,
        { error: 'foreign_agent', message: 'The agent_id is not that of this execution.' },
      ])
      expect(await w.send({ ...w.generate, iteration_number: 2 })).toEqual([
        409,
        { error: 'stale_iteration', message: 'Iteration 2 is not the current one (1).' },
      ])
      expect(await w.send({ ...w.generate, agent_id: '' })).toMatchObject([200, { type: 'final', content: 'Done.' }])
      expect(await w.send({ ...w.generate, agent_id: w.agent })).toMatchObject([200, { type: 'final' }])
    })

    it('an execution that has ended, whatever ended it: 409', async () => {
      const w = await begun([command, { text: 'Done.' }])
      const [, { dispatch_id }] = await w.send(w.generate)
      await t.request({ method: 'POST', url: `/v1/executions/${w.id}/cancel`, headers: w.headers })
      expect(types(await allEvents(w.address, w.headers, w.id)).at(-1)).toBe('execution_cancelled')
      const ended = [409, { error: 'execution_ended', message: 'This execution is not running.' }]
      expect(await w.send({ ...w.result, dispatch_id })).toEqual(ended)
      expect(await w.send(w.generate)).toEqual(ended)
      const completed = await w.start()
      await readStream(
        w.address,
        `/v1/executions/${completed}/stream`,
        w.headers,
        ({ type }) => type === 'instance_spawned',
      )
      writeFileSync(join(w.workspace(completed), 'answer'), 'By myself.')
      expect(types(await allEvents(w.address, w.headers, completed)).at(-1)).toBe('execution_completed')
      expect(await w.send({ ...w.generate, execution_id: completed })).toEqual(ended)
    })

    const malformed: [name: string, payload: Body | string, status: number, body: Body][] = [
      ['no JSON', '{"type":', 400, { error: 'malformed_json' }],
      ['no object', '[]', 422, { error: 'validation', message: 'body: Input must be object' }],
      [
        'no type',
        {},
        422,
        {
          error: 'invalid_message',
          message: 'not a dispatch message: type is required: one of generate, dispatch_result',
        },
      ],
      [
        'another type',
        { type: 'final' },
        422,
        {
          error: 'invalid_message',
          message: "not a dispatch message: type must be one of generate, dispatch_result, not 'final'",
        },
      ],
      [
        'a prompt without its fields',
        { type: 'generate' },
        422,
        {
          error: 'invalid_message',
          message: 'not a dispatch message: execution_id is required; iteration_number is required; prompt is required',
        },
      ],
      [
        'a result without its fields',
        { type: 'dispatch_result', execution_id: 'e' },
        422,
        {
          error: 'invalid_message',
          message: 'not a dispatch message: dispatch_id is required; exit_code is required; stdout is required',
        },
      ],
      [
        'a field of another kind',
        { type: 'dispatch_result', execution_id: 'e', dispatch_id: 'd', exit_code: '0', stdout: '' },
        422,
        {
          error: 'invalid_message',
          message: 'not a dispatch message: exit_code must be a whole number, not a string',
        },
      ],
    ]
    it('a body that is no message: 400 for what is no JSON, else 422 with what is wrong', async () => {
      const w = await begun([])
      for (const [name, payload, status, body] of malformed)
        expect([name, ...(await w.send(payload))]).toEqual([name, status, expect.objectContaining(body)])
    })

    it('more than 50 answers that ask for tools: 500, and what they asked for is kept', {
      timeout: 240_000,
    }, async () => {
      const turns = Array.from({ length: 51 }, (_, index) => call('list_dir', { path: '.', depth: index }))
      const w = await begun([...turns, { text: 'never' }], ['list_dir'])
      const error = 'Inner loop exceeded max iterations (50)'
      expect(await w.send(w.generate)).toEqual([500, { error, message: error }])
      expect((await w.get(w.id)).iterations[0].trajectory).toHaveLength(50)
    })

    it('a tool that cannot work until a setting is changed: 500, and the loop is over', async () => {
      const w = await begun([call('web.search', { query: 'x' }), { text: 'never' }], ['web.search'])
      const [status, body] = await w.send(w.generate)
      expect([status, body.error]).toEqual([500, body.message])
      expect(body.message).toMatch(/^Tool 'web\.search' terminated with fatal error: .+/)
      expect((await w.get(w.id)).iterations[0].trajectory).toMatchObject([{ tool_name: 'web.search', status: 'fatal' }])
    })

    it('a final text that was cut off: 502', async () => {
      const w = await begun([{ text: 'And then', cut_off: true }])
      const error =
        "upstream_cut_off: The model's final answer was cut off at its length limit. A shorter answer is needed."
      expect(await w.send(w.generate)).toEqual([502, { error, message: error }])
    })

    it('nobody, an agent of contracts, an unknown address: 401; a token that may not execute: 403', async () => {
      const w = await begun([{ text: 'Done.' }])
      const unauthorized = [401, { error: 'unauthorized', message: 'Unauthorized' }]
      expect(await w.send(w.generate, {})).toEqual([
        401,
        { error: 'unauthorized', message: 'Missing Authorization header' },
      ])
      expect(await w.send(w.generate, { authorization: 'Bearer forged' })).toEqual(unauthorized)
      expect(await w.send(w.generate, await t.agent())).toEqual(unauthorized)
      const away = await t.request({
        method: 'POST',
        url: '/x/guessed/v1/dispatch-gateway',
        headers: w.headers,
        payload: w.generate,
      })
      expect([away.statusCode, away.json()]).toEqual(unauthorized)
      const [status, body] = await w.send(w.generate, await serviceHeaders(t, { role: 'aegis:readonly' }))
      expect([status, body]).toEqual([
        403,
        {
          error: 'insufficient_scope',
          required: 'agent:execute',
          message: "This token lacks the scope 'agent:execute'.",
        },
      ])
    })
  })
})
