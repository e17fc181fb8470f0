/** An MCP server over standard streams that does as little as one can: what is measured is what stands before it. */
import { createInterface } from 'node:readline'

const TOOL = {
  name: 'echo',
  description: 'Says it.',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
}

interface Request {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly arguments?: { readonly path?: string } }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as Request
  if (id === undefined) return
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } }
      : method === 'tools/list'
        ? { tools: [TOOL] }
        : { content: [{ type: 'text', text: String(params?.arguments?.path) }] }
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)
})
