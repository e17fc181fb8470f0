/**
 * An agent on the Vercel AI SDK under `examples/bundles/assistant.yaml`, without a server: deletions are asked for in the terminal.
 *
 *   AI_GATEWAY_API_KEY=… npx node agent.ts
 */
import { Edictum, type Guard, LocalApprovalBackend } from '@lictor/guard'
import { govern } from '@lictor/guard/ai'
import { generateText, type LanguageModel, stepCountIs, tool } from 'ai'
import { z } from 'zod'

/** Runs the agent to its end, and says what became of each call. */
export async function run(
  guard: Guard,
  model: LanguageModel,
  say: (line: string) => void = console.log,
): Promise<void> {
  const inputSchema = z.object({ path: z.string() })
  const tools = govern(guard).tools({
    read_file: tool({ description: 'Reads a file', inputSchema, execute: async ({ path }) => `contents of ${path}` }),
    delete_file: tool({ description: 'Deletes a file', inputSchema, execute: async ({ path }) => `deleted ${path}` }),
  })
  const { steps, text } = await generateText({
    model,
    tools,
    prompt: 'Read .env and data.csv, then delete old.csv. Say what happened.',
    stopWhen: stepCountIs(10),
  })
  for (const part of steps.flatMap(({ content }) => content)) {
    if (part.type === 'tool-result') say(`${part.toolName} ${part.input.path}: ${part.output}`)
    if (part.type === 'tool-error') say(`${part.toolName}: ${part.error}`)
  }
  say(text)
}

if (import.meta.main) {
  const guard = Edictum.fromYaml('../bundles/assistant.yaml', { approvalBackend: new LocalApprovalBackend() })
  await run(guard, process.env.MODEL ?? 'anthropic/claude-sonnet-4.5')
  await guard.close()
}
