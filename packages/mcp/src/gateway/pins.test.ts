import { describe, expect, it } from 'vitest'
import { between, TOOL } from '../testing/between.ts'
import { examine, pinOf } from './pins.ts'

const pinned = (...tools: { name: string }[]) => ({
  tools: Object.fromEntries(tools.map((tool) => [tool.name, pinOf(tool)])),
  held: {},
})
const nothing = { tools: {}, held: {} }

describe('tools are pinned on first sight', () => {
  it('the same definition in another order is the same; what no model reads may change', () => {
    const before = { name: 'a', description: 'x', inputSchema: { type: 'object', title: 't' }, _meta: { v: 1 } }
    const after = { _meta: { v: 2 }, inputSchema: { title: 't', type: 'object' }, description: 'x', name: 'a' }
    expect(examine([after], pinned(before))).toEqual({ fresh: {}, held: {}, settled: [] })
  })

  it.each([
    ['description', { description: 'y' }],
    ['inputSchema', { inputSchema: { type: 'object' } }],
    ['outputSchema', { outputSchema: { type: 'object' } }],
    ['annotations', { annotations: { readOnlyHint: true } }],
    ['title', { title: 'z' }],
  ])('another %s holds the tool back', (part, change) => {
    const before = { name: 'a', description: 'x', inputSchema: {} }
    const { held } = examine([{ ...before, ...change }], pinned(before))
    expect(held.a?.reason).toBe(`Its ${part} changed since it was pinned.`)
  })

  it.each([['read-file'], ['readFile'], ['rеad_file'], ['read_fi1e'], ['ｒead_file'], ['read\u200b_file']])(
    '%s is not taken for read_file',
    (name) => {
      expect(examine([{ name }], pinned({ name: 'read_file' })).held[name]?.reason).toContain(
        "looks like that of the tool 'read_file'",
      )
      expect(Object.keys(examine([{ name: 'read_file' }, { name }], nothing).held)).toEqual([name])
    },
  )

  it('text that nobody can see holds a tool back, and so does a name that no contract can name', () => {
    const tags = [...'obey'].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')
    expect(examine([{ name: 'a', description: `x${tags}` }], nothing).held.a).toBeDefined()
    expect(examine([{ name: 'a/b' }], nothing).held['a/b']).toBeDefined()
    expect(examine([{ name: 'elicit (form)' }], nothing).held).toEqual({})
  })
})

describe('a tool that is held back', () => {
  const changed = { ...TOOL, description: 'Now read this.' }

  it('is not listed, is not called, and is back when a person accepts it', async () => {
    const { begin, ask, answer, said, server, pins, gateway, client, notes } = between()
    await begin()
    await ask({ id: 1, method: 'tools/list' })
    await answer(
      '{"jsonrpc":"2.0","id":$id,"result":{"tools":[{"name":"echo","description":"Now read this.","inputSchema":{}},{"name":"b","x":1.0}],"ttlMs":60000,"cacheScope":"public"}}',
    )
    expect(client).toEqual([
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"b","x":1.0}],"ttlMs":0,"cacheScope":"private"}}',
    ])
    expect(notes.join('\n')).toContain("The tool 'echo' is held back")
    await ask({ id: 2, method: 'tools/call', params: { name: 'echo' } })
    await answer({ result: { tools: [changed] } })
    expect(said('client')).toMatchObject({ id: 2, result: { isError: true } })
    expect(server.map((one) => JSON.parse(one).method)).toEqual(['tools/list', 'tools/list'])
    pins.tools.echo = pinOf(changed)
    gateway.toolsAccepted()
    expect(said('client')).toMatchObject({ method: 'notifications/tools/list_changed' })
    await ask({ id: 3, method: 'tools/call', params: { name: 'echo' } })
    await answer({ result: { tools: [changed] } })
    expect(said('server')).toMatchObject({ method: 'tools/call' })
  })

  it('a change that the server tells of is looked at before the next call', async () => {
    const { begin, ask, answer, tell, said, judge } = between()
    await begin()
    await tell({ method: 'notifications/tools/list_changed' })
    expect(said('client')).toMatchObject({ method: 'notifications/tools/list_changed' })
    const before = judge.calls.length
    await ask({ id: 1, method: 'tools/call', params: { name: 'echo' } })
    expect(said('server')).toMatchObject({ method: 'tools/list' })
    await answer({ result: { tools: [changed] } })
    expect(said('client')).toMatchObject({ id: 1, result: { isError: true } })
    expect(judge.calls).toHaveLength(before)
  })

  it('a change in the middle of a list is not missed: it is listed again before the call', async () => {
    const { begin, ask, answer, tell, said, server, judge } = between()
    await begin()
    await tell({ method: 'notifications/tools/list_changed' })
    const before = judge.calls.length
    await ask({ id: 1, method: 'tools/call', params: { name: 'echo' } })
    await tell({ method: 'notifications/tools/list_changed' })
    await answer({ result: { tools: [TOOL] } })
    expect(server.map((one) => JSON.parse(one).method)).toEqual(['tools/list', 'tools/list'])
    await answer({ result: { tools: [changed] } })
    expect(said('client')).toMatchObject({ id: 1, result: { isError: true } })
    expect(judge.calls).toHaveLength(before)
  })

  it('a server that does not list its tools has none', async () => {
    const { begin, ask, answer, tell, said, server } = between()
    await begin()
    await tell({ method: 'notifications/tools/list_changed' })
    await ask({ id: 1, method: 'tools/call', params: { name: 'echo' } })
    await answer({ error: { code: -32_601, message: 'no' } })
    expect(said('client')).toMatchObject({ id: 1, error: { message: 'Unknown tool: echo' } })
    expect(server).toHaveLength(1)
  })

  it('where pins cannot be kept, no tool is shown', async () => {
    const it = between({
      pins: {
        read: () => nothing,
        keep() {
          throw new Error('read-only')
        },
      },
    })
    await it.ask({ id: 0, method: 'initialize', params: {} })
    await it.answer({ result: {} })
    await it.ask({ id: 1, method: 'tools/list' })
    await it.answer({ result: { tools: [TOOL] } })
    expect(it.said('client')).toMatchObject({ id: 1, error: { message: 'The tools cannot be shown: read-only' } })
    await it.ask({ id: 2, method: 'tools/call', params: { name: 'echo' } })
    await it.answer({ result: { tools: [TOOL] } })
    expect(it.said('client')).toMatchObject({ id: 2, result: { isError: true } })
  })
})
