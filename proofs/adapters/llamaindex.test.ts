import { govern } from '@lictor/guard/llamaindex'
import { agent, agentToolCallResultEvent } from '@llamaindex/workflow'
import { type ChatMessage, ToolCallLLM, tool } from 'llamaindex'
import { z } from 'zod'
import { type Given, prove, type Seen } from './prove.ts'

class Scripted extends ToolCallLLM {
  readonly supportToolCall = true
  readonly metadata = {
    model: 'scripted',
    temperature: 0,
    topP: 1,
    contextWindow: 1000,
    tokenizer: undefined,
    structuredOutput: false,
  }
  readonly requests: ChatMessage<object>[][] = []
  readonly #answers: Given['answers']

  constructor(answers: Given['answers']) {
    super()
    this.#answers = answers
  }

  override async chat({ messages }: { messages: ChatMessage<object>[] }): Promise<never> {
    this.requests.push(structuredClone(messages))
    const calls = this.#answers[this.requests.length - 1]
    const chunk = calls
      ? {
          delta: '',
          raw: null,
          options: { toolCall: calls.map(({ id, tool: name, args }) => ({ id, name, input: { ...args } })) },
        }
      : { delta: 'done', raw: null, options: {} }
    return (async function* () {
      yield chunk
    })() as never
  }

  get told(): string[] {
    const results = (this.requests.at(-1) ?? []).map(
      ({ options }) => (options as { toolResult?: { result: unknown } })?.toolResult,
    )
    return results.flatMap((result) =>
      result ? [typeof result.result === 'string' ? result.result : JSON.stringify(result.result)] : [],
    )
  }
}

prove({
  name: 'LlamaIndex.TS',
  framework: 'llamaindex',
  run: async ({ guard, tools, answers, signal }): Promise<Seen> => {
    const llm = new Scripted(answers)
    const governed = govern(guard, signal ? { signal } : {}).tools(
      Object.entries(tools).map(([name, execute]) =>
        tool({
          name,
          description: name,
          parameters: z.object({ path: z.string() }),
          execute: async (args) => (await execute(args)) as string,
        }),
      ),
    )
    const running = agent({ llm, tools: governed }).runStream('go')
    const shown: unknown[] = []
    for await (const event of running) if (agentToolCallResultEvent.include(event)) shown.push(event.data)
    return { told: llm.told, shown: JSON.stringify(shown) }
  },
})
