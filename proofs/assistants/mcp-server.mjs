// An MCP server with one tool, `touch`, which makes a file.
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const answer = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)
const tool = {
  name: 'touch',
  description: 'Makes a file.',
  inputSchema: { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] },
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize') {
    answer(id, {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'm', version: '1' },
    })
  } else if (method === 'tools/list') answer(id, { tools: [tool] })
  else if (method === 'tools/call') {
    writeFileSync(params.arguments.file, '')
    answer(id, { content: [{ type: 'text', text: 'made' }] })
  } else answer(id, {})
})
