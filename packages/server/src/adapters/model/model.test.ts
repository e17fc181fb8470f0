import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts'
import type { Model, ModelRequest } from '../../ports/model.ts'
import { models, TurnFailed } from '../../runtime/models/models.ts'
import { pinnedFetches } from '../outbound/fetch.ts'
import { systemResolve } from '../outbound/system-dns.ts'
import { anthropicModel } from './anthropic.ts'
import { configuredModels } from './configured.ts'
import { openAiCompatibleModel } from './openai-compatible.ts'
import { scriptedModel } from './scripted.ts'
import { wireNames } from './wire-names.ts'

const { operator: fetch } = pinnedFetches({ resolve: systemResolve, allowed: [] })

const request = (change: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'test-model',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Read it.' },
  ],
  tools: [
    {
      name: 'fs.read',
      description: 'Read a file.',
      schema: { type: 'object', properties: { path: { type: 'string' } } },
    },
  ],
  temperature: 0.1,
  maxTokens: 100,
  signal: new AbortController().signal,
  agent: 'worker',
  attempt: 1,
  ...change,
})

let server: Server
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())))

/** A provider that answers with what `respond` writes; its address, and the bodies it received. */
async function provider(respond: (response: ServerResponse, body: Record<string, unknown>) => void) {
  const seen: { path: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }[] = []
  server = createServer((incoming, response) => {
    let text = ''
    incoming.on('data', (chunk: Buffer) => (text += chunk))
    incoming.on('end', () => {
      const body = JSON.parse(text) as Record<string, unknown>
      seen.push({ path: incoming.url ?? '', headers: incoming.headers, body })
      response.setHeader('content-type', 'application/json')
      respond(response, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen }
}

const answering = (value: unknown) => (response: ServerResponse) => response.end(JSON.stringify(value))

interface Wire {
  readonly make: (url: string) => Model
  readonly path: string
  readonly text: unknown
  readonly calls: unknown
  readonly empty: unknown
  readonly refusal: unknown
}

const completion = (message: object, finish_reason: string) => ({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'test-model',
  choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason }],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
})
const message = (content: object[], stop_reason: string) => ({
  id: 'm1',
  type: 'message',
  role: 'assistant',
  model: 'test-model',
  content,
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 7, output_tokens: 3 },
})

const wires: Record<string, Wire> = {
  'OpenAI-compatible': {
    make: (baseUrl) => openAiCompatibleModel({ fetch, baseUrl, apiKey: 'key-of-the-test' }),
    path: '/v1/chat/completions',
    text: completion({ content: 'Three rows.' }, 'stop'),
    calls: completion(
      {
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'fs_read', arguments: '{"path":"data.csv"}' } },
        ],
      },
      'tool_calls',
    ),
    empty: completion({ content: '' }, 'stop'),
    refusal: completion({ content: '' }, 'content_filter'),
  },
  Anthropic: {
    make: (baseUrl) => anthropicModel({ fetch, baseUrl, apiKey: 'key-of-the-test' }),
    path: '/v1/messages',
    text: message([{ type: 'text', text: 'Three rows.' }], 'end_turn'),
    calls: message([{ type: 'tool_use', id: 'call_1', name: 'fs_read', input: { path: 'data.csv' } }], 'tool_use'),
    empty: message([], 'end_turn'),
    refusal: message([], 'refusal'),
  },
}

describe.each(Object.entries(wires))('model: %s', (_name, wire) => {
  it('a text is final, with its tokens', async () => {
    const { url, seen } = await provider(answering(wire.text))
    expect(await wire.make(url).generate(request())).toEqual({
      text: 'Three rows.',
      toolCalls: [],
      inputTokens: 7,
      outputTokens: 3,
    })
    expect(seen[0]?.path).toBe(wire.path)
    expect(JSON.stringify(seen[0]?.headers)).toContain('key-of-the-test')
    expect(seen[0]?.body).toMatchObject({ model: 'test-model', temperature: 0.1 })
  })

  it('tool calls come back under our names, and their answers go out in the order they were given', async () => {
    const { url, seen } = await provider(answering(wire.calls))
    const model = wire.make(url)
    const { toolCalls } = await model.generate(request())
    expect(toolCalls).toEqual([{ id: 'call_1', name: 'fs.read', arguments: { path: 'data.csv' } }])
    await model.generate(
      request({
        messages: [
          { role: 'user', content: 'Read it.' },
          { role: 'assistant', content: '', tool_calls: toolCalls },
          { role: 'tool', tool_call_id: 'call_1', name: 'fs.read', content: 'a,b,c' },
        ],
      }),
    )
    const text = JSON.stringify(seen[1]?.body)
    expect(text).toContain('fs_read')
    expect(text).toContain('a,b,c')
    expect(text).not.toContain('fs.read')
  })

  it.each([
    [401, 'authentication'],
    [403, 'authentication'],
    [404, 'model_not_found'],
    [400, 'invalid_input'],
    [429, 'rate_limit'],
    [503, 'service_unavailable'],
  ])('an answer of %i is an error of the class %s, without the key', async (status, errorClass) => {
    const { url } = await provider((response) => {
      response.statusCode = status
      response.end(JSON.stringify({ error: { type: 'x', message: 'said the provider' } }))
    })
    const failure = await wire
      .make(url)
      .generate(request())
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ errorClass })
    expect(String(failure)).not.toContain('key-of-the-test')
  })

  it.each([
    ['garbage', (response: ServerResponse) => response.end('<html>not json')],
    ['an object of another shape', answering({ hello: 'world' })],
    ['nothing', answering(wire.empty)],
  ])('%s is an error of the provider', async (_what, respond) => {
    const { url } = await provider(respond)
    await expect(wire.make(url).generate(request())).rejects.toMatchObject({ errorClass: 'provider' })
  })

  it('a model that refuses says so', async () => {
    const { url } = await provider(answering(wire.refusal))
    await expect(wire.make(url).generate(request())).rejects.toThrow(/refused to answer|neither text/)
  })

  it('a provider that cannot be reached is a network error', async () => {
    const { url } = await provider(answering(wire.text))
    await new Promise<void>((resolve) => server.close(() => resolve()))
    await expect(wire.make(url).generate(request())).rejects.toMatchObject({ errorClass: 'network' })
  })

  it('a provider that never answers is left when the caller gives up', async () => {
    const { url } = await provider(() => controller.abort(new Error('enough')))
    const controller = new AbortController()
    await expect(wire.make(url).generate(request({ signal: controller.signal }))).rejects.toThrow('enough')
    server.closeAllConnections()
  })
})

describe('model turns', () => {
  const config = {
    modelBaseUrl: '',
    modelApiKey: '',
    modelName: 'test-model',
    anthropicApiKey: '',
    anthropicBaseUrl: '',
    modelScript: '',
  }
  const configured = (change: Partial<typeof config> = {}, clock: ManualClock = manualClock()) => {
    const settings = { ...config, ...change }
    return models({ config: settings, clock, ports: configuredModels({ config: settings, clock, fetch }) })
  }
  const turn = {
    alias: 'default',
    script: undefined,
    temperature: undefined,
    limit: 30_000,
    messages: [],
    tools: [],
    agent: 'worker',
  }

  it('two failures that may pass, then an answer: one turn, after the waits', async () => {
    let asked = 0
    const { url } = await provider((response) => {
      asked++
      if (asked < 3) response.statusCode = 503
      response.end(
        JSON.stringify(asked < 3 ? { error: { message: 'busy' } } : completion({ content: 'Here.' }, 'stop')),
      )
    })
    const clock = manualClock()
    const answer = configured({ modelBaseUrl: url }, clock).turn({
      ...turn,
      messages: [{ role: 'user', content: 'x' }],
      signal: new AbortController().signal,
    })
    while (asked < 3) {
      await new Promise((resolve) => setTimeout(resolve, 2))
      await clock.advance(500)
    }
    expect(await answer).toMatchObject({ text: 'Here.', provider: 'openai-compatible', model: 'test-model' })
    expect(asked).toBe(3)
  })

  it('an authentication failure is not tried again', async () => {
    let asked = 0
    const { url } = await provider((response) => {
      asked++
      response.statusCode = 401
      response.end('{}')
    })
    const failure = await configured({ modelBaseUrl: url })
      .turn({ ...turn, messages: [{ role: 'user', content: 'x' }], signal: new AbortController().signal })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ attempts: 1, error: { errorClass: 'authentication' } })
    expect(asked).toBe(1)
  })

  it('a provider that never answers ends at the limit of the turn', async () => {
    const clock = manualClock()
    let limitReached: Promise<void> | null = null
    const { url } = await provider(() => {
      limitReached = clock.advance(30_000)
    })
    const failure = await configured({ modelBaseUrl: url }, clock)
      .turn({ ...turn, messages: [{ role: 'user', content: 'x' }], signal: new AbortController().signal })
      .catch((error: unknown) => error)
    await limitReached
    expect(failure).toBeInstanceOf(TurnFailed)
    expect(failure).toMatchObject({ error: { errorClass: 'timeout' }, elapsedMs: 30_000 })
    server.closeAllConnections()
  })

  it('without a configured model the turn says what to set', async () => {
    await expect(configured().turn({ ...turn, signal: new AbortController().signal })).rejects.toThrow(
      'LICTOR_MODEL_BASE_URL',
    )
  })

  it('a manifest may carry its own script, also where none is configured', async () => {
    const answer = await configured().turn({
      ...turn,
      alias: 'scripted',
      script: 'turns: [{ text: From the manifest. }]',
      signal: new AbortController().signal,
    })
    expect(answer).toMatchObject({ text: 'From the manifest.', provider: 'scripted' })
  })

  it('a manifest names scripts beside the configured one, and no other file', async () => {
    const open = configured({ modelScript: '/scripts/main.yaml' })
    const name = (alias: string) => open.turn({ ...turn, alias, signal: new AbortController().signal })
    await expect(name('scripted:other.yaml')).rejects.toThrow("'/scripts/other.yaml'")
    for (const alias of ['scripted:../etc/passwd', 'scripted:/etc/passwd', 'scripted:.hidden'])
      await expect(name(alias)).rejects.toThrow('must name a file beside')
    const off = configured()
    await expect(off.turn({ ...turn, alias: 'scripted:a', signal: new AbortController().signal })).rejects.toThrow(
      'off',
    )
  })
})

describe('the scripted model', () => {
  const script = (text: string) => scriptedModel({ clock: manualClock(), load: async () => text })
  const ask = (text: string, change: Partial<ModelRequest> = {}) => script(text).generate(request(change))
  const answered = { role: 'assistant', content: 'before' } as const

  it('plays the turn that the conversation is at', async () => {
    const text = 'turns: [{ tool_calls: [{ name: a, arguments: { x: 1 } }] }, { text: Done. }]'
    expect((await ask(text)).toolCalls).toEqual([{ id: 'call_1_1', name: 'a', arguments: { x: 1 } }])
    expect((await ask(text, { messages: [answered] })).text).toBe('Done.')
    await expect(ask(text, { messages: [answered, answered] })).rejects.toThrow('has no answer 3')
  })

  it('a turn is for the agent, the prompt and the message it names', async () => {
    const text = `
turns:
  - { when: { agent: other }, text: for the other }
  - { when: { prompt: weather }, text: about the weather }
  - { when: { last: denied }, text: it was denied }
  - { text: anything }`
    const prompt = (content: string) => ({ messages: [{ role: 'user', content }] as const })
    expect((await ask(text, { agent: 'other' })).text).toBe('for the other')
    expect((await ask(text, prompt('the weather?'))).text).toBe('about the weather')
    expect((await ask(text, prompt('it was denied'))).text).toBe('it was denied')
    expect((await ask(text, prompt('x'))).text).toBe('anything')
  })

  it('an error fails as often as it says, then the next turn is played', async () => {
    const text = 'turns: [{ error: { class: rate_limit, message: slow, times: 2 } }, { text: Done. }]'
    await expect(ask(text, { attempt: 2 })).rejects.toMatchObject({ errorClass: 'rate_limit', message: 'slow' })
    expect((await ask(text, { attempt: 3 })).text).toBe('Done.')
  })

  it.each([
    ['turns: 7', "has no list 'turns'"],
    ['turns: [{}]', "turn 1, needs 'text', 'tool_calls' or 'error'"],
    ['turns: [{ txt: x }]', "unknown key 'txt'"],
    ['turns: [{ tool_calls: [{}] }]', "a tool call without 'name'"],
    ['turns: [{ error: { class: odd } }]', 'an error class that is not one of'],
    ['turns: [', 'is no YAML'],
  ])('%s is refused with its place', async (text, problem) => {
    await expect(ask(text)).rejects.toThrow(problem)
  })
})

it('tool names for providers are told apart, and those that need no change keep theirs', () => {
  const names = wireNames(['fs.read', 'fs_read', 'fs-read', 'x'.repeat(80)])
  expect(names.toWire('fs_read')).toBe('fs_read')
  expect(names.toWire('fs.read')).toBe('fs_read_2')
  expect(names.toWire('fs-read')).toBe('fs-read')
  expect(names.toWire('x'.repeat(80))).toHaveLength(64)
  for (const name of ['fs.read', 'fs_read', 'fs-read', 'x'.repeat(80)])
    expect(names.fromWire(names.toWire(name))).toBe(name)
  expect(names.fromWire('unknown')).toBe('unknown')
})
