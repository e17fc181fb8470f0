import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts'
import { stream, wires } from '../../../test/model-wires.ts'
import { ModelError, type ModelRequest } from '../../ports/model.ts'
import { createModels, type Models, TurnFailed, type TurnRequest } from '../../runtime/models/models.ts'
import { readOffers } from '../../runtime/models/offers.ts'
import { createPinnedFetches } from '../outbound/fetch.ts'
import { systemResolve } from '../outbound/system-dns.ts'
import { createConfiguredModels } from './configured.ts'
import { createScriptedModel } from './scripted.ts'
import { createWireNames } from './wire-names.ts'

const { operator: fetch } = createPinnedFetches({ resolve: systemResolve, allowed: [] })

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

describe.each(Object.entries(wires))('model: %s', (name, wire) => {
  const model = (url: string) => wire.make(url, fetch)
  const answer =
    (of: Parameters<typeof wire.begin>[0], why: Parameters<typeof wire.end>[0]) => (response: ServerResponse) =>
      void stream(response, [...wire.begin(of), ...wire.end(why)]).end()
  const read = { id: 'call_a', name: 'fs_read', json: ['{"path":', '"data.csv"}'] }

  it('a text is final, with its tokens', async () => {
    const { url, seen } = await provider(answer({ text: ['Three ', 'rows.'] }, 'stop'))
    let pieces = 0
    expect(await model(url).generate(request({ onProgress: () => pieces++ }))).toEqual({
      text: 'Three rows.',
      toolCalls: [],
      isCutOff: false,
      inputTokens: 7,
      outputTokens: 3,
    })
    expect(pieces).toBeGreaterThanOrEqual(2)
    expect(seen[0]?.path).toBe(wire.path)
    expect(JSON.stringify(seen[0]?.headers).includes('key-of-the-test')).toBe(wire.hasKey)
    expect(JSON.stringify(seen[0]?.body)).toMatch(/"temperature":0\.1/)
    if (name !== 'Gemini') expect(seen[0]?.body).toMatchObject({ model: 'test-model', stream: true })
  })

  it('tool calls come back under our names, and their answers go out in the order they were given', async () => {
    const { url, seen } = await provider(answer({ calls: [read] }, 'calls'))
    const { toolCalls } = await model(url).generate(request())
    expect(toolCalls).toEqual([{ id: 'call_1', name: 'fs.read', arguments: { path: 'data.csv' } }])
    await model(url).generate(
      request({
        messages: [
          { role: 'user', content: 'Read it.' },
          { role: 'assistant', content: '', tool_calls: toolCalls },
          { role: 'tool', tool_call_id: 'call_1', name: 'fs.read', content: 'a,b,c' },
        ],
      }),
    )
    const sent = JSON.stringify(seen[1]?.body)
    expect(sent).toContain('fs_read')
    expect(sent).toContain('a,b,c')
    expect(sent).not.toContain('fs.read')
  })

  it('text beside calls is kept, and two calls under one id are two', async () => {
    const other = { ...read, json: ['{"path":"other.csv"}'] }
    const { url } = await provider(answer({ text: ['Let me look.'], calls: [read, other] }, 'calls'))
    expect(await model(url).generate(request())).toMatchObject({
      text: 'Let me look.',
      toolCalls: [
        { id: 'call_1', arguments: { path: 'data.csv' } },
        { id: 'call_2', arguments: { path: 'other.csv' } },
      ],
    })
  })

  it('a text that was cut off at the length limit says so', async () => {
    const { url } = await provider(answer({ text: ['Three'] }, 'length'))
    expect(await model(url).generate(request())).toMatchObject({ text: 'Three', isCutOff: true })
  })

  it('a call that was cut off at the length limit says so', async () => {
    // Gemini sends the arguments of a call in one piece.
    const json = name === 'Gemini' ? ['{"path":"da"}'] : ['{"path":"da']
    const { url } = await provider(answer({ calls: [{ ...read, json }] }, 'length'))
    expect((await model(url).generate(request())).isCutOff).toBe(true)
  })

  it.skipIf(name === 'Gemini')('arguments that are no JSON come as the text they are', async () => {
    const { url } = await provider(answer({ calls: [{ ...read, json: ['{"path": data', '.csv}'] }] }, 'calls'))
    expect((await model(url).generate(request())).toolCalls).toEqual([
      { id: 'call_1', name: 'fs.read', arguments: '{"path": data.csv}' },
    ])
  })

  it.each(['ends', 'breaks'])(
    'a stream that %s in the middle of the answer is a failure of the network',
    async (how) => {
      const { url } = await provider((response) => {
        stream(response, wire.begin({ text: ['Three ', 'rows'] }))
        if (how === 'ends') response.end()
        else setImmediate(() => response.destroy())
      })
      await expect(model(url).generate(request())).rejects.toMatchObject({ errorClass: 'network', isRetryable: true })
    },
  )

  it.skipIf(wire.whole === null)(
    'a server that sends the answer whole is understood, and asked so from then on',
    async () => {
      const { url, seen } = await provider((response) => response.end(JSON.stringify(wire.whole?.('Three rows.'))))
      const one = model(url)
      expect(await one.generate(request())).toMatchObject({ text: 'Three rows.', inputTokens: 7, outputTokens: 3 })
      expect(await one.generate(request())).toMatchObject({ text: 'Three rows.' })
      expect(seen.map(({ body }) => body.stream === true)).toEqual([true, false, false])
    },
  )

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
    const failure = await model(url)
      .generate(request())
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ errorClass })
    expect(String(failure)).not.toContain('key-of-the-test')
  })

  it('a limit of rates says how long to wait', async () => {
    const { url } = await provider((response) =>
      response.writeHead(429, { 'retry-after': '7' }).end(JSON.stringify({ error: { message: 'slow down' } })),
    )
    await expect(model(url).generate(request())).rejects.toMatchObject({
      errorClass: 'rate_limit',
      retryAfterMs: 7_000,
    })
  })

  it.each([
    ['garbage', (response: ServerResponse) => response.end('<html>not json')],
    ['an object of another shape', answering({ hello: 'world' })],
    ['no choices', answering({ choices: [], candidates: [], content: [] })],
    ['an empty stream', (response: ServerResponse) => void stream(response, []).end()],
    ['a stream of garbage', (response: ServerResponse) => void stream(response, ['data: {"a": \n\n']).end()],
  ])('%s is an error that may pass', async (_what, respond) => {
    const { url } = await provider(respond)
    await expect(model(url).generate(request())).rejects.toMatchObject({
      errorClass: expect.stringMatching(/^(provider|network)$/),
      isRetryable: true,
    })
  })

  it('an answer of nothing is an error of the provider', async () => {
    const { url } = await provider(answer({}, 'stop'))
    await expect(model(url).generate(request())).rejects.toMatchObject({
      errorClass: 'provider',
      message: expect.stringContaining('neither text nor a tool call'),
    })
  })

  it('a model that refuses says so', async () => {
    const { url } = await provider(answer({}, 'refusal'))
    await expect(model(url).generate(request())).rejects.toThrow(/refused to answer/)
  })

  it('a provider that cannot be reached is a network error', async () => {
    const { url } = await provider(answer({ text: ['x'] }, 'stop'))
    await new Promise<void>((resolve) => server.close(() => resolve()))
    await expect(model(url).generate(request())).rejects.toMatchObject({ errorClass: 'network' })
  })

  it.each(['never answers', 'stops in the middle'])(
    'a provider that %s is left when the caller gives up',
    async (how) => {
      const controller = new AbortController()
      const { url } = await provider((response) => {
        if (how === 'stops in the middle') stream(response, wire.begin({ text: ['Three '] }))
        controller.abort(new Error('enough'))
      })
      await expect(model(url).generate(request({ signal: controller.signal }))).rejects.toThrow('enough')
      server.closeAllConnections()
    },
  )
})

describe('model turns', () => {
  const config = {
    modelBaseUrl: '',
    modelApiKey: '',
    modelName: 'test-model',
    anthropicApiKey: '',
    anthropicBaseUrl: '',
    geminiApiKey: '',
    geminiBaseUrl: '',
    ollamaUrl: '',
    modelScript: '',
  }
  const configured = (change: Partial<typeof config> = {}, clock: ManualClock = manualClock(), list = '') => {
    const settings = { ...config, ...change }
    const ports = createConfiguredModels({ config: settings, clock, fetch })
    return createModels({ config: settings, clock, ports, offers: readOffers(list) })
  }
  const openAi = wires['OpenAI-compatible'] as (typeof wires)[string]
  const says = (response: ServerResponse, text: string) =>
    void stream(response, [...openAi.begin({ text: [text] }), ...openAi.end('stop')]).end()
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
      if (asked < 3) response.writeHead(503).end(JSON.stringify({ error: { message: 'busy' } }))
      else says(response, 'Here.')
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

  const ask = (models: Models, change: Partial<TurnRequest> = {}) =>
    models.turn({
      ...turn,
      messages: [{ role: 'user', content: 'x' }],
      signal: new AbortController().signal,
      ...change,
    })

  it('an answer that goes on coming is waited for beyond the limit of silence, and no longer than the turn may take', async () => {
    const clock = manualClock()
    let write = (_text: string) => {}
    const { url } = await provider((response) => {
      stream(response, openAi.begin({}))
      write = (text) => response.write(openAi.begin({ text: [text] })[1])
      write('a')
    })
    const failed = ask(configured({ modelBaseUrl: url }, clock), { limit: 250_000, longest: 300_000 }).catch(
      (error: unknown) => error,
    )
    let isOver = false
    void failed.then(() => {
      isOver = true
    })
    await expect.poll(() => String(write)).toContain('response.write')
    let minutes = 0
    for (; minutes < 20 && !isOver; minutes++) {
      write('b')
      // One of twelve pieces has to arrive before the silence would be too long.
      await new Promise((resolve) => setTimeout(resolve, 20))
      await clock.advance(20_000)
    }
    expect(await failed).toMatchObject({
      error: { errorClass: 'timeout', message: 'upstream timeout after 300s' },
      elapsedMs: 300_000,
      attempts: 1,
    })
    expect(minutes).toBe(15)
    server.closeAllConnections()
  })

  it('an answer that stops coming is given up after the limit of silence', async () => {
    const clock = manualClock()
    const { url } = await provider((response) => stream(response, openAi.begin({ text: ['a'] })))
    const failed = ask(configured({ modelBaseUrl: url }, clock), { longest: 300_000 }).catch((error: unknown) => error)
    await expect
      .poll(async () => {
        await clock.advance(10_000)
        return Promise.race([failed, null])
      })
      .toMatchObject({ error: { errorClass: 'timeout', message: 'upstream timeout after 30s' } })
    server.closeAllConnections()
  })

  it('a wait that is longer than the turn has left is not begun', async () => {
    let asked = 0
    const { url } = await provider((response) => {
      asked++
      response.writeHead(429, { 'retry-after': '31' }).end('{"error":{"message":"slow down"}}')
    })
    await expect(ask(configured({ modelBaseUrl: url }))).rejects.toMatchObject({
      attempts: 1,
      error: { errorClass: 'rate_limit' },
    })
    expect(asked).toBe(1)
  })

  describe('by the list of models', () => {
    const list = (text: string) => `${text}\nmodels:
  - { alias: default, provider: openai-compatible, model: cloud, cost: 1 }
  - { alias: [default, local], provider: ollama, model: small, temperature: 0.9, max_tokens: 77 }
  - { alias: lost, provider: gemini, model: gemini-x }`

    async function askedFor(text: string, change: Partial<TurnRequest> = {}) {
      const { url, seen } = await provider((response) => says(response, 'Here.'))
      const answer = await ask(configured({ modelBaseUrl: url, ollamaUrl: url }, manualClock(), list(text)), change)
      return { answer, body: seen[0]?.body }
    }

    it.each([
      ['', 'cloud'],
      ['selection: PreferCloud', 'cloud'],
      ['selection: PreferLocal', 'small'],
      ['selection: CostOptimized', 'cloud'],
    ])("an alias is served by the first of the order '%s'", async (selection, model) => {
      expect((await askedFor(selection)).answer).toMatchObject({ model })
    })

    it("its options are the offer's, unless the manifest says otherwise", async () => {
      expect((await askedFor('', { alias: 'local' })).body).toMatchObject({ temperature: 0.9, max_tokens: 77 })
      await new Promise<void>((resolve) => server.close(() => resolve()))
      expect((await askedFor('', { alias: 'local', temperature: 0.1 })).body).toMatchObject({ temperature: 0.1 })
    })

    it('the quicker one is taken once both are known', async () => {
      const clock = manualClock()
      const models: string[] = []
      const { url } = await provider((response, body) => {
        models.push(String(body.model))
        clock.set(clock.now() + (body.model === 'cloud' ? 5_000 : 1_000))
        says(response, 'Here.')
      })
      const settings = { modelBaseUrl: url, ollamaUrl: url }
      const by = configured(settings, clock, list('selection: LatencyOptimized'))
      for (let index = 0; index < 4; index++) await ask(by)
      expect(models).toEqual(['cloud', 'small', 'small', 'small'])
    })

    it('what a provider offers that is not configured is told with what to set', async () => {
      await expect(askedFor('', { alias: 'lost' })).rejects.toThrow(
        "offers 'lost' from providers that are not configured. Set GEMINI_API_KEY",
      )
    })

    it.each([
      ['that answers', false],
      ['that fails as well', true],
    ])('the fallback is asked once, after the last attempt: one %s', async (_what, fails) => {
      const models: string[] = []
      const clock = manualClock()
      const { url } = await provider((response, body) => {
        models.push(String(body.model))
        if (body.model === 'cloud' || fails) response.writeHead(503).end('{"error":{"message":"busy"}}')
        else says(response, 'From the other.')
      })
      const settings = { modelBaseUrl: url, ollamaUrl: url }
      const answer = ask(configured(settings, clock, list('fallback: local'))).catch((error: unknown) => error)
      let isOver = false
      void answer.then(() => {
        isOver = true
      })
      while (!isOver) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        await clock.advance(100)
      }
      expect(models).toEqual(['cloud', 'cloud', 'cloud', 'cloud', 'small'])
      expect(await answer).toMatchObject(
        fails
          ? { model: 'cloud', attempts: 4, isFallbackTried: true, error: { errorClass: 'service_unavailable' } }
          : { model: 'small', provider: 'ollama', text: 'From the other.' },
      )
    })

    it('what no other model would mend is not asked of the fallback', async () => {
      const models: string[] = []
      const { url } = await provider((response, body) => {
        models.push(String(body.model))
        response.writeHead(401).end('{}')
      })
      await expect(
        ask(configured({ modelBaseUrl: url, ollamaUrl: url }, manualClock(), list('fallback: local'))),
      ).rejects.toMatchObject({ isFallbackTried: false, error: { errorClass: 'authentication' } })
      expect(models).toEqual(['cloud'])
    })

    it.each([
      ['models: [', 'is no YAML'],
      ['[]', 'it is no mapping'],
      ['modles: []', "unknown key 'modles'"],
      ['models: []', "has no list 'models'"],
      [
        'selection: Best\nmodels: [{ alias: a, provider: ollama, model: m }]',
        "has the selection 'Best'. It takes one of PreferLocal",
      ],
      ['fallback: 7\nmodels: [{ alias: a, provider: ollama, model: m }]', 'has a fallback that is no alias'],
      ['models: [7]', 'models[0] is no mapping'],
      ['models: [{ provider: ollama, model: m }]', 'models[0] has no alias'],
      [
        'models: [{ alias: a, provider: llama, model: m }]',
        "models[0] has the provider 'llama'. It takes one of openai",
      ],
      ['models: [{ alias: a, provider: ollama }]', 'models[0] names no model'],
      [
        'models: [{ alias: a, provider: ollama, model: m, temperature: 3 }]',
        'models[0].temperature is no number from 0 to 2',
      ],
      ['models: [{ alias: a, provider: ollama, model: m, prize: 3 }]', "models[0] has the unknown key 'prize'"],
    ])('a list that is none is refused with its place: %s', (text, problem) => {
      expect(() => readOffers(text)).toThrow(problem)
    })
  })

  it.each([
    [{ geminiApiKey: 'k' }, 'default', 'gemini', 'test-model'],
    [{ geminiApiKey: 'k', modelName: '' }, 'smart', 'gemini', 'gemini-2.5-flash'],
    [{ ollamaUrl: 'x' }, 'qwen3:8b', 'ollama', 'qwen3:8b'],
    [{ ollamaUrl: 'x', anthropicApiKey: 'k' }, 'ollama:qwen3:8b', 'ollama', 'qwen3:8b'],
    [{ modelBaseUrl: 'x', geminiApiKey: 'k' }, 'gemini:gemini-2.5-pro', 'gemini', 'gemini-2.5-pro'],
    [{ modelBaseUrl: 'x' }, 'openai:gpt-5', 'openai-compatible', 'gpt-5'],
    [{ modelBaseUrl: 'x' }, 'openai/gpt-oss:20b', 'openai-compatible', 'openai/gpt-oss:20b'],
    [{ anthropicApiKey: 'k' }, 'default', 'anthropic', 'test-model'],
  ])('without a list, what is configured serves: %j, alias %s', async (settings, alias, by, model) => {
    const asked: string[] = []
    const port = { generate: async (of: ModelRequest) => Promise.reject(new ModelError('invalid_input', of.model)) }
    const open = (provider: string) => () => {
      asked.push(provider)
      return port
    }
    const ports = {
      openAiCompatible: open('openai-compatible'),
      anthropic: open('anthropic'),
      gemini: open('gemini'),
      ollama: open('ollama'),
      scripted: open('scripted'),
    }
    const models = createModels({ config: { ...config, ...settings }, clock: manualClock(), ports })
    await expect(ask(models, { alias })).rejects.toMatchObject({ provider: by, model })
    expect(asked).toEqual([by])
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
  const script = (text: string) => createScriptedModel({ clock: manualClock(), load: async () => text })
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
  const names = createWireNames(['fs.read', 'fs_read', 'fs-read', 'x'.repeat(80)])
  expect(names.toWire('fs_read')).toBe('fs_read')
  expect(names.toWire('fs.read')).toBe('fs_read_2')
  expect(names.toWire('fs-read')).toBe('fs-read')
  expect(names.toWire('x'.repeat(80))).toHaveLength(64)
  for (const name of ['fs.read', 'fs_read', 'fs-read', 'x'.repeat(80)])
    expect(names.fromWire(names.toWire(name))).toBe(name)
  expect(names.fromWire('unknown')).toBe('unknown')
})
