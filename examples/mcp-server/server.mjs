/** An MCP server in a page: notes that are kept while it runs. One message a line, in and out. */
import { createInterface } from 'node:readline'

const notes = []
const text = (value) => ({ content: [{ type: 'text', text: value }] })
const tools = {
  add: {
    description: 'Keep a note.',
    inputSchema: { type: 'object', properties: { note: { type: 'string' } }, required: ['note'] },
    run: ({ note }) => text(`There are ${notes.push(note)} notes now.`),
  },
  all: {
    description: 'Every note, the oldest first.',
    inputSchema: { type: 'object', properties: {} },
    run: () => text(notes.join('\n')),
  },
}

const methods = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'notes', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: Object.entries(tools).map(([name, { run: _run, ...tool }]) => ({ name, ...tool })) }),
  'tools/call': ({ name, arguments: args = {} }) => {
    if (!Object.hasOwn(tools, name)) throw new Error(`There is no tool '${name}'.`)
    return tools[name].run(args)
  },
}

const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  try {
    if (!Object.hasOwn(methods, method)) return say({ id, error: { code: -32601, message: `No method '${method}'.` } })
    say({ id, result: methods[method](params) })
  } catch (error) {
    say({ id, error: { code: -32602, message: error.message } })
  }
})
