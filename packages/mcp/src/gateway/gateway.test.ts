import { describe, expect, it } from 'vitest'
import { between, settled, TOOL } from '../testing/between.ts'

const call = (id: number | string, args: object = {}, more: object = {}) => ({
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: args, ...more },
})
const text = (said: string) => ({ result: { content: [{ type: 'text', text: said }] } })

describe('lines go through as they were written', () => {
  it('a call keeps its unknown members, its number spellings and its id in all digits', async () => {
    const { gateway, server, client, answer, begin } = between()
    await begin()
    const sent =
      '{ "jsonrpc":"2.0", "id":9007199254740993,"method":"tools/call","params":{"name":"echo","_meta":{"x/y":1e2},"arguments":{"n":9007199254740993,"f":1.0,"u":"\\u00e9"}} }'
    gateway.fromClient(sent)
    await settled()
    expect(server).toHaveLength(1)
    const id = JSON.parse(server[0] as string).id as number
    expect(server[0]).toBe(sent.replace('9007199254740993,"method"', `${id},"method"`))
    await answer('{"result":{"content":[],"foo":1.50,"big":12345678901234567890},"jsonrpc":"2.0","id": $id }')
    expect(client).toEqual([
      '{"result":{"content":[],"foo":1.50,"big":12345678901234567890},"jsonrpc":"2.0","id": 9007199254740993 }',
    ])
  })

  it('initialize and its answer are not touched: capabilities, instructions, unknown keys', async () => {
    const { ask, answer, client, server } = between()
    await ask('{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"capabilities":{"x":{"y":1.0}}}}')
    expect(server).toEqual(['{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{"x":{"y":1.0}}}}'])
    await answer('{"jsonrpc":"2.0","id":$id,"result":{"instructions":"Do.","capabilities":{"z":{}},"k":0.10}}')
    expect(client).toEqual([
      '{"jsonrpc":"2.0","id":"a","result":{"instructions":"Do.","capabilities":{"z":{}},"k":0.10}}',
    ])
  })

  it('answers come in the order of the server: a call that waits holds nothing up', async () => {
    const { begin, ask, judge, tell, server, client } = between()
    await begin()
    judge.ask = ({ args }) => (args.text === 'slow' ? new Promise(() => {}) : null)
    await ask(call(1, { text: 'slow' }))
    await ask({ id: 2, method: 'ping' })
    await ask(call(3, { text: 'quick' }))
    expect(server.map((one) => JSON.parse(one).method)).toEqual(['ping', 'tools/call'])
    const [ping, quick] = server.map((one) => JSON.parse(one).id as number)
    await tell({ id: quick, ...text('3') })
    await tell({ id: ping, result: {} })
    expect(client.map((one) => JSON.parse(one).id)).toEqual([3, 2])
  })

  it('the server has a number space of its own: its question 0 and the client request 0 are told apart', async () => {
    const { begin, ask, tell, said, server } = between()
    await begin()
    await ask(call(0))
    await tell({ id: 0, method: 'sampling/createMessage', params: { messages: [] } })
    expect(said('client')).toMatchObject({ id: 0, method: 'sampling/createMessage' })
    await ask({ id: 0, result: { role: 'assistant' } })
    expect(said('server')).toEqual({ jsonrpc: '2.0', id: 0, result: { role: 'assistant' } })
    expect(server).toHaveLength(2)
  })

  it('a client that listens for changes knows them by its own id', async () => {
    const { ask, tell, answer, client, said } = between()
    const key = 'io.modelcontextprotocol/subscriptionId'
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    await ask({ id: 'mine', method: 'subscriptions/listen', params: { notifications: {}, _meta } })
    const { id } = said('server')
    for (const spelled of [`${id}`, `"${id}"`]) {
      await tell(
        `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"${key}":${spelled}}}}`,
      )
      expect(said('client')).toMatchObject({ params: { _meta: { [key]: 'mine' } } })
    }
    await answer({ result: { _meta: { [key]: id } } })
    expect(said('client')).toEqual({ jsonrpc: '2.0', id: 'mine', result: { _meta: { [key]: 'mine' } } })
    await tell({ method: 'notifications/tools/list_changed', params: { _meta: { [key]: 99 } } })
    expect(client.at(-1)).toContain(`"${key}":99`)
  })

  it('in the newer era what the gateway answers itself says that it is complete', async () => {
    const { ask, answer, said, judge } = between()
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    judge.denied = ({ args }) => args.text === 'no'
    const sent = (id: number, args: object) => ({
      id,
      method: 'tools/call',
      params: { name: 'echo', arguments: args, _meta },
    })
    await ask(sent(1, { text: 'no' }))
    await answer({ result: { tools: [TOOL], resultType: 'complete' } })
    expect(said('client')).toMatchObject({ id: 1, result: { isError: true, resultType: 'complete' } })
    await ask(sent(2, {}))
    const structuredContent = { 'secret-1': 1 }
    await answer({ result: { content: [{ type: 'text', text: 'x' }], structuredContent, resultType: 'complete' } })
    expect(said('client')).toMatchObject({ id: 2, result: { isError: true, resultType: 'complete' } })
  })

  it('in the newer era nothing comes before a call, and the own list says what the client said', async () => {
    const { ask, said, answer, server } = between()
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', progressToken: 7 }
    await ask({ id: 1, method: 'tools/call', params: { name: 'echo', arguments: {}, _meta } })
    expect(said('server')).toMatchObject({
      method: 'tools/list',
      params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
    })
    expect(server[0]).not.toContain('progressToken')
    await answer({ result: { tools: [TOOL] } })
    expect(said('server')).toMatchObject({ method: 'tools/call', params: { name: 'echo' } })
  })
})

describe('what a gateway answers itself', () => {
  it('a denied call never reaches the server, and the answer is an error of text alone', async () => {
    const { begin, ask, judge, server, said } = between()
    await begin()
    judge.denied = ({ args }) => args.text === 'no'
    await ask(call('x', { text: 'no' }))
    expect(server).toEqual([])
    expect(said('client')).toEqual({
      jsonrpc: '2.0',
      id: 'x',
      result: { content: [{ type: 'text', text: 'Refused: not this.' }], isError: true },
    })
  })

  it('a tool that was not listed is refused by its name, and was not judged', async () => {
    const { begin, ask, answer, judge, said } = between()
    await begin()
    const before = judge.calls.length
    await ask({ id: 1, method: 'tools/call', params: { name: 'other' } })
    expect(said('server')).toMatchObject({ method: 'tools/list' })
    await answer({ result: { tools: [TOOL] } })
    expect(said('client')).toMatchObject({ id: 1, error: { code: -32_602, message: 'Unknown tool: other' } })
    expect(judge.calls).toHaveLength(before)
  })

  it.each([
    ['no JSON', 'hello', -32_700],
    ['several messages in one', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32_600],
    ['a number', '1', -32_600],
    ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32_600],
    ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32_600],
    ['a name twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', -32_600],
    ['nothing', '{}', -32_600],
    ['a method in another case', '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}', -32_600],
    ['a letter that some take for another', '{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}', -32_600],
  ])('%s does not reach the server', async (_what, sent, code) => {
    const { begin, ask, server, said } = between()
    await begin()
    await ask(sent)
    expect(server).toEqual([])
    expect(said('client')).toMatchObject({ id: null, error: { code } })
  })

  it.each([
    ['an argument twice', '{"name":"echo","arguments":{"text":"a","text":"b"}}'],
    ['an argument twice, deep within', '{"name":"echo","arguments":{"x":[{"a":1,"\\u0061":2}]}}'],
    ['the name twice', '{"name":"echo","name":"other"}'],
    ['arguments in another case', '{"name":"echo","arguments":{},"Arguments":{"text":"x"}}'],
    ['arguments with a letter that some take for another', '{"name":"echo","argument\u017f":{"text":"x"}}'],
    ['an argument in another case', '{"name":"echo","arguments":{"Text":"x"}}'],
    ['arguments that are a list', '{"name":"echo","arguments":["x"]}'],
    ['a name that is a number', '{"name":1}'],
    ['parameters that are a list', '["echo"]'],
  ])('%s: servers would read it in two ways, so it is not judged and not sent', async (_what, params) => {
    const { begin, ask, server, said } = between()
    await begin()
    await ask(`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":${params}}`)
    expect(server).toEqual([])
    expect(said('client')).toMatchObject({ id: 4, error: { code: -32_602 } })
  })

  it('a second handshake, a second request under one id, and requests before the handshake are refused', async () => {
    const fresh = between()
    await fresh.ask({ id: 1, method: 'tools/list' })
    expect(fresh.said('client')).toMatchObject({ error: { message: "'initialize' comes before 'tools/list'." } })
    expect(fresh.server).toEqual([])
    const { begin, ask, said, server } = between()
    await begin()
    await ask({ id: 9, method: 'initialize', params: {} })
    expect(said('client')).toMatchObject({ id: 9, error: { code: -32_600 } })
    await ask({ id: 5, method: 'ping' })
    await ask({ id: 5, method: 'ping' })
    expect(server).toHaveLength(1)
    expect(said('client')).toMatchObject({ id: null, error: { code: -32_600 } })
  })

  it('methods and notifications that nobody knows are not handed on, in either direction', async () => {
    const { begin, ask, tell, said, server, client } = between()
    await begin()
    await ask({ id: 1, method: 'tools/secretly', params: {} })
    expect(said('client')).toMatchObject({ id: 1, error: { code: -32_601 } })
    await ask({ method: 'notifications/other' })
    await tell({ method: 'notifications/other', params: { data: 'x' } })
    expect(server).toEqual([])
    expect(client).toHaveLength(1)
    await tell({ id: 'q', method: 'client/run', params: {} })
    expect(said('server')).toMatchObject({ id: 'q', error: { code: -32_601 } })
    expect(client).toHaveLength(1)
  })

  it('a message that is too long for the server is refused before it is sent', async () => {
    const { begin, ask, server, said } = between({ largestToServer: 1000 })
    await begin()
    await ask(call(1, { text: 'x'.repeat(2000) }))
    expect(server).toEqual([])
    expect(said('client')).toMatchObject({ id: 1, error: { code: -32_602 } })
  })

  it('roots are hidden where they are to be', async () => {
    const { begin, tell, said, client } = between({ roots: 'hide' })
    await begin()
    await tell({ id: 1, method: 'roots/list' })
    expect(said('server')).toMatchObject({ id: 1, error: { code: -32_601 } })
    expect(client).toEqual([])
  })
})

describe('a message is one line for every reader', () => {
  it.each(['\r', '\u2028', '\u2029'])(
    'a call that stands between two of %j is not on a line of its own',
    async (end) => {
      const { begin, gateway, server, client, tell } = between()
      await begin()
      const hidden = '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"echo"}}'
      const inText = JSON.stringify(hidden)
      const place = end === '\r' ? `${end}${hidden}${end}` : inText.replace('{', `${end}{`).replace('}', `}${end}`)
      gateway.fromClient(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${place}}}`)
      await tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":${place}}}`)
      for (const line of [...server, ...client]) expect(line.split(/[\r\u2028\u2029]/)).toHaveLength(1)
      const x = end === '\r' ? JSON.parse(hidden) : JSON.parse(place)
      expect(JSON.parse(server[0] as string).params.x).toEqual(x)
      expect(JSON.parse(client[0] as string).params.data).toEqual(x)
    },
  )
})

describe('everything that carries data of a tool is looked at', () => {
  it('results, their structured content and their descriptions', async () => {
    const { begin, ask, answer, said } = between()
    await begin([{ ...TOOL, description: 'Ask with secret-1.' }])
    await ask({ id: 'l', method: 'tools/list' })
    await answer({ result: { tools: [{ ...TOOL, description: 'Ask with secret-1.' }], ttlMs: 5 } })
    expect(said('client')).toMatchObject({ result: { tools: [{ description: 'Ask with [REDACTED].' }] } })
    await ask(call(1))
    await answer({ result: { content: [{ type: 'text', text: 'a secret-1' }], structuredContent: { a: 'secret-1' } } })
    expect(said('client')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'a [REDACTED]' }], structuredContent: { a: '[REDACTED]' } },
    })
  })

  it('what is redacted keeps every other spelling', async () => {
    const { begin, ask, answer, client } = between()
    await begin()
    await ask(call(1))
    await answer(
      '{"jsonrpc":"2.0","id":$id,"result":{"content":[{"type":"text","text":"secret-1"}],"n":1.50,"big":12345678901234567890}}',
    )
    expect(client).toEqual([
      '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"[REDACTED]"}],"n":1.50,"big":12345678901234567890}}',
    ])
  })

  it('errors, with their data: the code stays, the data goes', async () => {
    const { begin, ask, answer, said, judge } = between()
    await begin()
    await ask(call(1))
    await answer({ error: { code: 0, message: 'bad', data: { url: 'secret-1' } } })
    expect(said('client')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: 0, message: 'bad {"url":"[REDACTED]"}' },
    })
    expect(judge.calls.at(-1)?.outcome).toMatchObject({ threw: { message: 'bad {"url":"secret-1"}' } })
    await ask(call(2))
    await answer({ error: { code: -32_042, message: 'go', data: { x: 1.5 } } })
    expect(said('client')).toEqual({ jsonrpc: '2.0', id: 2, error: { code: -32_042, message: 'go', data: { x: 1.5 } } })
  })

  it('progress of a call, and log messages', async () => {
    const { begin, ask, tell, said } = between()
    await begin()
    await ask(call(1, {}, { _meta: { progressToken: 'p' } }))
    await tell({ method: 'notifications/progress', params: { progressToken: 'p', progress: 1, message: 'secret-1' } })
    expect(said('client')).toMatchObject({ params: { message: '[REDACTED]' } })
    await tell({ method: 'notifications/message', params: { level: 'info', data: { deep: ['secret-2'] } } })
    expect(said('client')).toMatchObject({ params: { data: { deep: ['[REDACTED]'] } } })
  })

  it('lists, but for the cursor by which they go on', async () => {
    const { begin, ask, answer, said } = between()
    await begin()
    await ask({ id: 1, method: 'resources/list' })
    await answer({ result: { resources: [{ uri: 'x://y', description: 'secret-1' }], nextCursor: 'secret-2' } })
    expect(said('client')).toMatchObject({
      result: { resources: [{ uri: 'x://y', description: '[REDACTED]' }], nextCursor: 'secret-2' },
    })
  })

  it('instructions, lists, resources, prompts and completions', async () => {
    const { ask, answer, said, judge } = between()
    await ask({ id: 0, method: 'initialize', params: {} })
    await answer({ result: { instructions: 'Use secret-1.' } })
    expect(said('client')).toMatchObject({ result: { instructions: 'Use [REDACTED].' } })
    await ask({ id: 1, method: 'resources/read', params: { uri: 'x://y', _meta: { a: 1 } } })
    expect(judge.calls.at(-1)?.call).toMatchObject({ tool: 'mcp.resources.read', args: { uri: 'x://y' } })
    await answer({
      result: {
        contents: [
          { uri: 'x://y', text: 'secret-1' },
          { uri: 'x://z', blob: 'secret-1' },
        ],
      },
    })
    expect(said('client')).toMatchObject({
      result: { contents: [{ text: '[REDACTED]' }, { blob: Buffer.from('[REDACTED]').toString('base64') }] },
    })
    await ask({ id: 2, method: 'prompts/get', params: { name: 'p', arguments: { a: '1' } } })
    expect(judge.calls.at(-1)?.call).toMatchObject({
      tool: 'mcp.prompts.get',
      args: { name: 'p', arguments: { a: '1' } },
    })
    await answer({ result: { messages: [{ role: 'user', content: { type: 'text', text: 'secret-3' } }] } })
    expect(said('client')).toMatchObject({ result: { messages: [{ content: { text: '[REDACTED]' } }] } })
    await ask({ id: 3, method: 'completion/complete', params: { ref: {}, argument: {} } })
    await answer({ result: { completion: { values: ['secret-4'] } } })
    expect(said('client')).toMatchObject({ result: { completion: { values: ['[REDACTED]'] } } })
    judge.denied = ({ tool }) => tool === 'mcp.resources.read'
    await ask({ id: 4, method: 'resources/read', params: { uri: 'x://y' } })
    expect(said('client')).toMatchObject({ id: 4, error: { code: -32_010, message: 'Refused: not this.' } })
  })

  it('what the server asks the client for: judged, and shown without secrets', async () => {
    const { begin, tell, ask, said, judge, client } = between()
    await begin()
    await tell({ id: 's', method: 'sampling/createMessage', params: { messages: [{ content: { text: 'secret-1' } }] } })
    expect(said('client')).toMatchObject({ id: 's', params: { messages: [{ content: { text: '[REDACTED]' } }] } })
    await ask({ id: 's', result: { content: { type: 'text', text: 'ok' } } })
    expect(judge.calls.at(-1)).toMatchObject({
      call: { tool: 'mcp.sampling.createMessage' },
      outcome: { returned: { content: { text: 'ok' } } },
    })
    judge.denied = ({ tool }) => tool === 'mcp.elicitation.create'
    const before = client.length
    await tell({ id: 'e', method: 'elicitation/create', params: { message: 'Your password?' } })
    expect(said('server')).toMatchObject({ id: 'e', error: { code: -32_010 } })
    expect(client).toHaveLength(before)
  })

  it('a question that the server takes back, and one that its end leaves open, are closed; the client is told', async () => {
    const { begin, tell, said, judge, gateway } = between()
    await begin()
    await tell({ id: 's', method: 'sampling/createMessage', params: { messages: [] } })
    await tell({ method: 'notifications/cancelled', params: { requestId: 's' } })
    expect(said('client')).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 's' } })
    expect(judge.calls.at(-1)?.outcome).toMatchObject({ threw: { message: 'The server took its question back.' } })
    await tell({ id: 't', method: 'sampling/createMessage', params: { messages: [] } })
    await gateway.serverEnded('The server ended.')
    expect(judge.calls.at(-1)?.outcome).toMatchObject({ threw: { message: 'The server ended.' } })
  })

  it('a call that the server makes a task of is judged once, and its result when it is fetched', async () => {
    const { begin, ask, answer, said, judge, tell } = between()
    await begin()
    const before = judge.calls.length
    await ask(call(1, {}, { task: { ttl: 1000 } }))
    await answer({ result: { task: { taskId: 't1', status: 'working', statusMessage: 'secret-1' } } })
    expect(said('client')).toMatchObject({ id: 1, result: { task: { taskId: 't1', statusMessage: '[REDACTED]' } } })
    expect(judge.calls.at(-1)?.outcome).toBeNull()
    await ask({ id: 2, method: 'tasks/get', params: { taskId: 't1' } })
    await answer({ result: { taskId: 't1', status: 'completed', statusMessage: 'secret-2' } })
    expect(said('client')).toMatchObject({ result: { statusMessage: '[REDACTED]' } })
    await tell({ method: 'notifications/tasks/status', params: { taskId: 't1', statusMessage: 'secret-3' } })
    expect(said('client')).toMatchObject({ params: { statusMessage: '[REDACTED]' } })
    await ask({ id: 3, method: 'tasks/result', params: { taskId: 't1' } })
    await answer(text('secret-4'))
    expect(said('client')).toMatchObject({ id: 3, result: { content: [{ text: '[REDACTED]' }] } })
    expect(judge.calls).toHaveLength(before + 1)
    await ask({ id: 4, method: 'tasks/result', params: { taskId: 'somebody else' } })
    expect(said('client')).toMatchObject({ id: 4, error: { code: -32_602 } })
  })

  it('where the end of a call cannot be recorded, its result is withheld and the client is told that it was called', async () => {
    const { begin, ask, answer, said, judge } = between()
    await begin()
    judge.failsToRecord = true
    await ask(call(1))
    await answer(text('the data'))
    const { result } = said('client') as { result: { isError: boolean; content: { text: string }[] } }
    expect(result.isError).toBe(true)
    expect(result.content[0]?.text).toContain("'echo' was called")
    expect(JSON.stringify(result)).not.toContain('the data')
  })
})

describe('what may be read in two ways, or is deeper than anybody looks, is not shown and ends nothing', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}"secret-1"${']'.repeat(levels)}`
  const twofold = [
    ['a name twice', '{"a":"secret-1","\\u0061":"x"}'],
    ['a name twice, deep within', '[[{"b":{"a":"secret-1","a":"x"}}]]'],
    ['600 levels', deep(600)],
    ['200,000 levels', deep(200_000)],
  ] as const
  it.each(twofold)('the answer to a call: %s', async (_, value) => {
    const { begin, ask, answer, client, said } = between()
    await begin()
    await ask(call(1))
    await answer(`{"jsonrpc":"2.0","id":$id,"result":{"content":[],"_meta":{"x":${value}}}}`)
    expect(client.at(-1)).not.toContain('secret-1')
    expect(said('client')).toMatchObject({ id: 1 })
    expect(client.at(-1)).toContain('may be read in two ways')
    await ask(call(2))
    await answer(text('fine'))
    expect(said('client')).toMatchObject({ id: 2, ...text('fine') })
  })
  it.each(twofold)('an error, a list, and what is handed on: %s', async (_, value) => {
    const { begin, ask, answer, client } = between()
    await begin()
    const answers = [
      ['tools/call', `"error":{"code":1,"message":"m","data":${value}}`],
      ['tools/list', `"result":{"tools":[],"x":${value}}`],
      ['ping', `"result":{"x":${value}}`],
    ] as const
    for (const [index, [method, member]] of answers.entries()) {
      await ask({ id: index + 1, method, params: method === 'tools/call' ? { name: 'echo', arguments: {} } : {} })
      await answer(`{"jsonrpc":"2.0","id":$id,${member}}`)
      expect(client.at(-1)).not.toContain('secret-1')
      expect(JSON.parse(client.at(-1) as string)).toMatchObject({ id: index + 1 })
    }
  })
  it.each(twofold)('a log message, and a question of the server: %s', async (_, value) => {
    const { begin, tell, client, said } = between()
    await begin()
    const before = client.length
    await tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":${value}}}`)
    await tell(`{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"messages":[],"x":${value}}}`)
    expect(client).toHaveLength(before)
    expect(said('server')).toMatchObject({ id: 7, error: {} })
  })
  it.each(twofold)('the answer of a client to a question: %s', async (_, value) => {
    const { begin, tell, ask, said, server } = between()
    await begin()
    await tell({ id: 7, method: 'sampling/createMessage', params: { messages: [] } })
    await ask(`{"jsonrpc":"2.0","id":7,"result":{"role":"assistant","x":${value}}}`)
    expect(server.at(-1)).not.toContain('secret-1')
    expect(said('server')).toMatchObject({ id: 7, error: {} })
  })
})

describe('redaction stays within what the tool has published, or becomes an error of text alone', () => {
  const schema = (properties: object) => ({ ...TOOL, outputSchema: { type: 'object', properties } })
  it.each([
    ['a free text', { a: { type: 'string' } }, { a: 'secret-1' }, true],
    ['an optional text', { a: { anyOf: [{ type: 'string' }, { type: 'null' }] } }, { a: 'secret-1' }, true],
    ['a text with a format', { a: { type: 'string', format: 'email' } }, { a: 'secret-1' }, false],
    ['one of a few', { a: { enum: ['secret-1'] } }, { a: 'secret-1' }, false],
    ['a text with a pattern', { a: { type: 'string', pattern: '^s' } }, { a: 'secret-1' }, false],
    ['a name of a member', { b: { type: 'string' } }, { 'secret-1': 'x' }, false],
    ['a text in a list', { a: { type: 'array', items: { type: 'string' } } }, { a: ['x', 'secret-1'] }, true],
    ['a text of a set', { a: { type: 'array', uniqueItems: true, items: {} } }, { a: ['secret-1'] }, false],
  ])('%s', async (_what, properties, structuredContent, isKept) => {
    const { begin, ask, answer, said } = between()
    await begin([schema(properties)])
    await ask(call(1))
    await answer({ result: { content: [{ type: 'text', text: 'see secret-1' }], structuredContent } })
    const { result } = said('client') as { result: Record<string, unknown> }
    expect(JSON.stringify(result)).not.toContain('secret-1')
    if (isKept) expect(Object.keys(result)).toEqual(['content', 'structuredContent'])
    else expect(result).toEqual({ content: [{ type: 'text', text: 'see [REDACTED]' }], isError: true })
  })

  it('an image in which something was found becomes a text', async () => {
    const { begin, ask, answer, said } = between()
    await begin()
    await ask(call(1))
    await answer({ result: { content: [{ type: 'image', data: 'secret-1', mimeType: 'image/png' }] } })
    expect(said('client')).toMatchObject({ result: { content: [{ type: 'text', text: '[REDACTED] (image)' }] } })
  })
})
