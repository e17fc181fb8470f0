import type { JSONSchema7, ModelMessage as SdkMessage, ToolSet } from 'ai'
import type { ModelMessage, ModelTool } from '../../ports/model.ts'
import type { WireNames } from './wire-names.ts'

/** A conversation and its tools in the `ai` SDK's words. */
export function sdkPrompt(
  sdk: Pick<typeof import('ai'), 'tool' | 'jsonSchema'>,
  { messages, tools }: { readonly messages: readonly ModelMessage[]; readonly tools: readonly ModelTool[] },
  names: WireNames,
) {
  const instructions = messages.flatMap((message) => (message.role === 'system' ? [message.content] : []))
  const set: ToolSet = Object.fromEntries(
    tools.map(({ name, description, schema }) => [
      names.toWire(name),
      sdk.tool({ description, inputSchema: sdk.jsonSchema(schema as JSONSchema7) }),
    ]),
  )
  return {
    ...(instructions.length > 0 ? { instructions: instructions.join('\n\n') } : {}),
    messages: messages.flatMap((message) => toSdk(message, names)),
    ...(tools.length > 0 ? { tools: set } : {}),
  }
}

function toSdk(message: ModelMessage, names: WireNames): SdkMessage[] {
  switch (message.role) {
    case 'system':
      return []
    case 'user':
      return [{ role: 'user', content: message.content }]
    case 'assistant': {
      const calls = (message.tool_calls ?? []).map((call) => ({
        type: 'tool-call' as const,
        toolCallId: call.id,
        toolName: names.toWire(call.name),
        input: call.arguments,
      }))
      const text = message.content === '' ? [] : [{ type: 'text' as const, text: message.content }]
      return [{ role: 'assistant', content: [...text, ...calls] }]
    }
    case 'tool':
      return [
        {
          role: 'tool',
          content: [
            {
              type: 'tool-result',
              toolCallId: message.tool_call_id,
              toolName: names.toWire(message.name),
              output: { type: 'text', value: message.content },
            },
          ],
        },
      ]
  }
}
