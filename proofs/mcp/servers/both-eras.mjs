/** A server of both eras, whose one tool asks a person before it says it did what it was told. */
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import * as z from 'zod'

serveStdio(() => {
  const server = new McpServer(
    { name: 'both-eras', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true } }, instructions: 'Ask before you deploy.' },
  )
  server.registerTool(
    'add',
    {
      description: 'Adds two numbers.',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number(), said: z.string() }),
    },
    async ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
      structuredContent: { sum: a + b, said: `${a} and ${b}` },
    }),
  )
  server.registerTool(
    'deploy',
    { description: 'Deploys.', inputSchema: z.object({ target: z.string() }) },
    async ({ target }, context) => {
      const confirmed = acceptedContent(context.mcpReq.inputResponses, 'confirm')
      if (confirmed?.confirm === true) return { content: [{ type: 'text', text: `deployed to ${target}` }] }
      return inputRequired({
        requestState: `state of ${target}`,
        inputRequests: {
          confirm: inputRequired.elicit({
            message: `Deploy to ${target}?`,
            requestedSchema: { type: 'object', properties: { confirm: { type: 'boolean' } }, required: ['confirm'] },
          }),
        },
      })
    },
  )
  return server
})
