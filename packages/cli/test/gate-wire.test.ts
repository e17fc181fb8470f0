import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { AssistantName } from '../src/gate/assistants/assistant.ts'
import { createGateBench, type GateBench, gateBundle } from './gate-bench.ts'

/** What the real programs asked, as `npm run proofs:assistants -- --wire` kept it. */
const wire = JSON.parse(readFileSync(new URL('./assistant-wire.json', import.meta.url), 'utf8')) as Readonly<
  Record<AssistantName, Readonly<Record<'denied' | 'mcp' | 'sub-agent', object | undefined>>>
>
const assistants = Object.keys(wire) as AssistantName[]
const contract = (id: string, tool: string, when: string) =>
  `{id: ${id}, type: pre, tool: ${tool}, when: ${when}, then: {effect: deny, message: not here}}`
const CONTRACTS = gateBundle([
  contract('no-touch', 'Bash', '{args.command: {contains: touch}}'),
  ...['mcp__m__touch', 'm-touch', 'm_touch', 'm__touch'].map((tool, index) =>
    contract(`no-mcp-${index}`, tool, '{args.file: {contains: made}}'),
  ),
])

let gate: GateBench
afterEach(() => gate.close())

test('the wire of all seven programs is kept', () => {
  gate = createGateBench(null)
  expect(assistants.toSorted()).toEqual(['claude-code', 'cline', 'codex', 'copilot', 'gemini', 'opencode', 'qwen'])
})

describe.each(assistants)('%s', (assistant) => {
  test.each(['denied', 'mcp', 'sub-agent'] as const)('as it asks in reality: %s', async (which) => {
    const question = wire[assistant][which]
    if (question === undefined) throw new Error(`there is no ${which} of ${assistant}`)
    gate = createGateBench(CONTRACTS)
    const answer = await gate.ask(assistant, question)
    expect(answer.stderr).toMatch(which === 'mcp' ? /no-mcp-\d': not here/ : /'no-touch': not here/)
    expect(gate.events().at(-1)).toMatchObject({ verdict: 'call_denied', payload: { assistant } })
  })
})
