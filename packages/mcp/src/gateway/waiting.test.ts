import { describe, expect, it } from 'vitest'
import { between, settled } from '../testing/between.ts'

const call = (id: number | string, args: object = {}, more: object = {}) => ({
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: args, ...more },
})
const text = (said: string) => ({ result: { content: [{ type: 'text', text: said }] } })

/** A person whom a test lets decide. */
function person() {
  let decide: (isAllowed: boolean) => void = () => {}
  const questions: AbortSignal[] = []
  return {
    questions,
    ask: ({ signal }: { signal: AbortSignal }) => {
      questions.push(signal)
      return new Promise<boolean>((resolve) => {
        decide = resolve
      })
    },
    async decide(isAllowed: boolean) {
      decide(isAllowed)
      await settled()
    },
  }
}

describe('while a person thinks', () => {
  it('a client without progress is asked to call again, and the second call is the same question', async () => {
    const { begin, ask, judge, clock, said, server, answer } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1, { a: 1, b: 2 }))
    clock.advance(49_999)
    await settled()
    const before = judge.calls.length
    clock.advance(1)
    await settled()
    expect(said('client')).toMatchObject({ id: 1, result: { isError: true } })
    expect(JSON.stringify(said('client'))).toContain('Still waiting')
    await ask(call(2, { b: 2, a: 1 }))
    expect(server).toEqual([])
    await they.decide(true)
    expect(server).toHaveLength(1)
    await answer(text('done'))
    expect(said('client')).toMatchObject({ id: 2, result: { content: [{ text: 'done' }] } })
    expect(judge.calls).toHaveLength(before)
    expect(they.questions).toHaveLength(1)
  })

  it('a decision that fell between two calls is found by the second; a third call asks anew', async () => {
    const { begin, ask, judge, clock, server } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1))
    clock.advance(50_000)
    await settled()
    await they.decide(true)
    expect(server).toEqual([])
    await ask(call(2))
    expect(server).toHaveLength(1)
    await ask(call(3))
    expect(server).toHaveLength(1)
    expect(they.questions).toHaveLength(2)
  })

  it('other arguments are another question', async () => {
    const { begin, ask, judge, clock } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1, { text: 'a' }))
    clock.advance(50_000)
    await settled()
    await ask(call(2, { text: 'b' }))
    expect(they.questions).toHaveLength(2)
  })

  it('an approval that nobody comes back for is given back', async () => {
    const { begin, ask, judge, clock, server } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1))
    clock.advance(50_000)
    await settled()
    await they.decide(true)
    clock.advance(600_000)
    await settled()
    expect(judge.calls.at(-1)?.cancelled).toBe('The client did not call again.')
    expect(server).toEqual([])
  })

  it('a client with progress hears of it every 15 seconds and waits on', async () => {
    const { begin, ask, judge, clock, client, server } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1, {}, { _meta: { progressToken: 'p' } }))
    clock.advance(15_000 * 6)
    await settled()
    const said = client.map((one) => JSON.parse(one).params)
    expect(said).toHaveLength(6)
    expect(said.every((one) => one.progressToken === 'p')).toBe(true)
    const progress = said.map((one) => one.progress as number)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(new Set(progress).size).toBe(6)
    await they.decide(true)
    expect(server).toHaveLength(1)
    clock.advance(60_000)
    expect(client).toHaveLength(6)
  })

  it('a cancel withdraws the question, and the call never runs', async () => {
    const { begin, ask, judge, client, server } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1))
    await ask({ method: 'notifications/cancelled', params: { requestId: 1 } })
    expect(they.questions[0]?.aborted).toBe(true)
    await they.decide(true)
    expect(server).toEqual([])
    expect(client).toEqual([])
  })

  it('the end of the client withdraws every question', async () => {
    const { begin, ask, judge, clock, gateway, server } = between()
    await begin()
    const they = person()
    judge.ask = they.ask
    await ask(call(1, { text: 'parked' }))
    clock.advance(50_000)
    await settled()
    await ask(call(2, { text: 'open' }))
    await gateway.clientEnded()
    expect(they.questions.map(({ aborted }) => aborted)).toEqual([true, true])
    await gateway.serverEnded('The server ended.')
    expect(server).toEqual([])
  })
})

describe('calls that end otherwise than by one answer', () => {
  it('a cancel goes to the server under its own id, and what it answers all the same is recorded and dropped', async () => {
    const { begin, ask, answer, said, client, judge, server } = between()
    await begin()
    await ask(call('mine'))
    const { id } = said('server')
    await ask('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"mine","reason":"x"}}')
    expect(server.at(-1)).toBe(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":"x"}}`,
    )
    server.pop()
    await answer(text('late'))
    expect(client).toEqual([])
    expect(judge.calls.at(-1)?.outcome).toMatchObject({ returned: { content: [{ text: 'late' }] } })
  })

  it('a cancelled call that is never answered is closed by its own time', async () => {
    const { begin, ask, judge, clock } = between()
    await begin()
    await ask(call(1))
    await ask({ method: 'notifications/cancelled', params: { requestId: 1 } })
    clock.advance(600_000)
    await settled()
    expect(judge.calls.at(-1)?.outcome).toMatchObject({ threw: { message: expect.stringContaining('is not known') } })
  })

  it('a second answer, and progress behind the answer, are dropped', async () => {
    const { begin, ask, answer, tell, client } = between()
    await begin()
    await ask(call(1, {}, { _meta: { progressToken: 1 } }))
    await answer(text('one'))
    await answer(text('two'))
    await tell({ method: 'notifications/progress', params: { progressToken: 1, progress: 9 } })
    expect(client).toHaveLength(1)
  })

  it('a result that follows progress at once is written a moment later', async () => {
    const { begin, ask, gateway, client, said } = between()
    await begin()
    await ask(call(1, {}, { _meta: { progressToken: 1 } }))
    const { id } = said('server')
    gateway.fromServer('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}')
    gateway.fromServer(JSON.stringify({ jsonrpc: '2.0', id, ...text('x') }))
    await Promise.resolve()
    expect(client).toHaveLength(1)
    await settled()
    expect(client).toHaveLength(2)
  })

  it('a server that ends leaves no call unanswered and none unrecorded', async () => {
    const { begin, ask, gateway, said, judge } = between()
    await begin()
    await ask(call(1))
    await gateway.serverEnded('The server ended (exit code 3).')
    expect(said('client')).toMatchObject({ id: 1, error: { message: expect.stringContaining('is not known') } })
    expect(judge.calls.at(-1)?.outcome).toMatchObject({ threw: { message: expect.stringContaining('exit code 3') } })
    await ask(call(2))
    expect(said('client')).toMatchObject({ id: 2, error: expect.anything() })
  })

  it('an answer that is too long for the client is told by its size, as a call that was made', async () => {
    const { begin, ask, answer, said, gateway } = between({ largestToClient: 1000 })
    await begin()
    await ask(call(1))
    await answer(text('x'.repeat(2000)))
    expect(said('client')).toMatchObject({ id: 1, result: { isError: true } })
    expect(JSON.stringify(said('client'))).toContain('too long')
    await ask(call(2))
    gateway.tooLong(said('server').id as number, 100_000_000)
    await settled()
    expect(JSON.stringify(said('client'))).toContain('100000000 bytes')
  })
})

describe('a call that asks for input, in the newer era', () => {
  const meta = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
  const asks = (state: unknown) => ({
    result: {
      resultType: 'input_required',
      inputRequests: { q: { method: 'elicitation/create', params: { message: 'Name of secret-1?' } } },
      requestState: state,
    },
  })

  it('is judged once and counted once, and its state goes through untouched', async () => {
    const { begin, ask, answer, said, judge } = between()
    await begin()
    await ask(call(1, { text: 'a' }, meta))
    await answer(asks('secret-9 state'))
    expect(said('client')).toMatchObject({
      result: {
        requestState: 'secret-9 state',
        inputRequests: { q: { params: { message: 'Name of [REDACTED]?' } } },
      },
    })
    const judged = () => judge.calls.filter(({ call: { tool } }) => tool === 'echo')
    const before = judged().length
    await ask(call(2, { text: 'a' }, { ...meta, inputResponses: { q: {} }, requestState: 'secret-9 state' }))
    expect(said('server')).toMatchObject({ params: { requestState: 'secret-9 state' } })
    await answer(text('done'))
    expect(said('client')).toMatchObject({ id: 2, result: { content: [{ text: 'done' }] } })
    expect(judged()).toHaveLength(before)
    expect(judged().at(-1)?.outcome).toMatchObject({ returned: { content: [{ text: 'done' }] } })
  })

  it.each([
    ['with other arguments', { text: 'b' }, 'state'],
    ['with another state', { text: 'a' }, 'forged'],
  ])('that goes on %s is another call', async (_what, args, requestState) => {
    const { begin, ask, answer, judge, server } = between()
    await begin()
    await ask(call(1, { text: 'a' }, meta))
    await answer(asks('state'))
    judge.denied = () => true
    const before = server.length
    await ask(call(2, args, { ...meta, inputResponses: {}, requestState }))
    expect(server).toHaveLength(before)
  })

  it('goes on once', async () => {
    const { begin, ask, answer, judge, server } = between()
    await begin()
    await ask(call(1, {}, meta))
    await answer(asks('state'))
    await ask(call(2, {}, { ...meta, requestState: 'state' }))
    judge.denied = () => true
    const before = server.length
    await ask(call(3, {}, { ...meta, requestState: 'state' }))
    expect(server).toHaveLength(before)
  })

  it('whose question is refused ends there: it was called', async () => {
    const { begin, ask, answer, judge, said } = between()
    await begin()
    judge.denied = ({ tool }) => tool === 'mcp.elicitation.create'
    await ask(call(1, {}, meta))
    await answer(asks('state'))
    expect(said('client')).toMatchObject({ id: 1, result: { isError: true } })
    expect(JSON.stringify(said('client'))).toContain('was called')
  })
})
