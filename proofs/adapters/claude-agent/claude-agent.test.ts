import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSdkMcpServer, query, tool } from '@anthropic-ai/claude-agent-sdk'
import { govern } from '@lictor/guard/claude-agent'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Call, type Given, prove, type Seen, scene } from '../prove.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-claude-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Sent {
  readonly tools?: readonly { readonly name: string }[]
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
}

type Block = { type: string; content?: unknown; is_error?: boolean }

/** A service on a free port that speaks the stream of the Messages API and answers by the script. */
async function anthropic(answers: Given['answers'], nameOf: (tool: string) => string) {
  const requests: Sent[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      if (!request.url?.startsWith('/v1/messages') || request.url.includes('count_tokens')) {
        response.setHeader('content-type', 'application/json')
        response.end('{"input_tokens":1}')
        return
      }
      const sent = JSON.parse(body) as Sent
      // Titles and the like are asked for without tools.
      const isTurn = (sent.tools?.length ?? 0) > 0
      if (isTurn) requests.push(sent)
      stream(response, isTurn ? answers[requests.length - 1] : undefined, nameOf)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const results = () =>
    (requests.at(-1)?.messages ?? []).flatMap(({ content }) =>
      (Array.isArray(content) ? (content as Block[]) : []).filter(({ type }) => type === 'tool_result'),
    )
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url, requests, results, close }
}

function stream(
  response: import('node:http').ServerResponse,
  calls: readonly Call[] | undefined,
  nameOf: (tool: string) => string,
) {
  response.setHeader('content-type', 'text/event-stream')
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = {
    id: `m${Math.random()}`,
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    stop_reason: null,
    usage,
  }
  send('message_start', { message })
  const blocks = calls
    ? calls.map(({ id, tool: name, args }) => ({
        content_block: { type: 'tool_use', id, name: nameOf(name), input: {} },
        delta: { type: 'input_json_delta', partial_json: JSON.stringify(args) },
      }))
    : [{ content_block: { type: 'text', text: '' }, delta: { type: 'text_delta', text: 'done' } }]
  blocks.forEach(({ content_block, delta }, index) => {
    send('content_block_start', { index, content_block })
    send('content_block_delta', { index, delta })
    send('content_block_stop', { index })
  })
  send('message_delta', { delta: { stop_reason: calls ? 'tool_use' : 'end_turn' }, usage })
  send('message_stop', {})
  response.end()
}

const textOf = (content: unknown) => (typeof content === 'string' ? content : JSON.stringify(content))

/** Runs the real program against that service, with a home of its own. */
async function asked(url: string, options: Parameters<typeof query>[0]['options']): Promise<unknown[]> {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    CLAUDE_CONFIG_DIR: home,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'none',
  }
  const quiet = { DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' }
  const shown: unknown[] = []
  const run = query({
    prompt: 'go',
    options: {
      cwd: home,
      settingSources: [],
      maxTurns: 6,
      ...options,
      env: { ...env, ...quiet } as Record<string, string>,
    },
  })
  for await (const message of run) shown.push(message)
  return shown
}

const NAMES = ['read_file', 'read_record', 'delete_file'].map((name) => `mcp__proofs__${name}`)

prove({
  name: 'Claude Agent SDK',
  framework: '@anthropic-ai/claude-agent-sdk',
  ownIds: 'a second use of an id that has its result is left out',
  without: {
    failing: 'the SDK tells the model of a failing tool by itself: its text is recorded, and cannot be redacted',
  },
  run: async ({ guard, tools, answers, signal }): Promise<Seen> => {
    const service = await anthropic(answers, (name) => `mcp__proofs__${name}`)
    const abortController = new AbortController()
    signal?.addEventListener('abort', () => abortController.abort(signal.reason), { once: true })
    try {
      const made = Object.entries(tools).map(([name, execute]) =>
        tool(name, name, { path: z.string() }, async (args) => ({
          content: [{ type: 'text', text: textOf(await execute(args)) }],
        })),
      )
      const shown = await asked(service.url, {
        hooks: govern(guard, { stripMcpPrefix: true }).hooks(),
        mcpServers: { proofs: createSdkMcpServer({ name: 'proofs', version: '1.0.0', tools: made }) },
        allowedTools: NAMES,
        abortController,
      })
      return {
        told: service.results().map(({ content }) => textOf(content)),
        shown: JSON.stringify([shown, service.requests]),
      }
    } finally {
      service.close()
    }
  },
})

test('Claude Agent SDK: built-in tools are held too, and what they answer is redacted in its own form', async () => {
  const { guard } = scene()
  const { Edictum, silentLogger } = await import('@lictor/guard')
  const bash = Edictum.fromYamlString(
    `
apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: bash }
defaults: { mode: enforce }
contracts:
  - id: no-env
    type: pre
    tool: Bash
    when: { args.command: { contains: ".env" } }
    then: { effect: deny, message: "No secrets." }
  - id: ssn
    type: post
    tool: Bash
    when: { output.text: { matches: '\\d{3}-\\d{2}-\\d{4}' } }
    then: { effect: redact, message: "A number was removed." }
`,
    { logger: silentLogger },
  )
  expect(guard.coverage().tools).toEqual([])
  const commands = ['cat .env', 'echo ssn 123-45-6789']
  const calls = commands.map((command, index) => ({ id: `c${index}`, tool: 'Bash', args: { command } }) as never)
  const service = await anthropic([calls], (name) => name)
  try {
    await asked(service.url, { hooks: govern(bash).hooks(), allowedTools: ['Bash'] })
    const told = service.results().map(({ content, is_error }) => [textOf(content), is_error ?? false])
    expect(told[0]).toEqual([expect.stringContaining('DENIED: No secrets.'), true])
    expect(told[1]).toEqual([expect.stringContaining('ssn [REDACTED]'), false])
    expect(bash.coverage().tools.map(({ toolName, status }) => [toolName, status])).toEqual([['Bash', 'enforced']])
  } finally {
    service.close()
  }
})
