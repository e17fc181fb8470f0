import type { ModelMessage, ModelToolCall } from '../../ports/model.ts'

/** A message as a bootstrap sent it; what has no role of ours is said by the user. */
export function readMessage(message: Record<string, unknown>): ModelMessage {
  const content = typeof message.content === 'string' ? message.content : JSON.stringify(message.content ?? '')
  switch (message.role) {
    case 'system':
      return { role: 'system', content }
    case 'assistant':
      return { role: 'assistant', content, ...readToolCalls(message.tool_calls) }
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: String(message.tool_call_id ?? ''),
        name: String(message.name ?? ''),
        content,
      }
    default:
      return { role: 'user', content }
  }
}

function readToolCalls(value: unknown): { tool_calls?: readonly ModelToolCall[] } {
  if (!Array.isArray(value) || value.length === 0) return {}
  return {
    tool_calls: value.map((call: Record<string, unknown>) => ({
      id: String(call.id ?? ''),
      name: String(call.name ?? ''),
      arguments: call.arguments ?? {},
    })),
  }
}

export const toolMessage = (call: ModelToolCall, content: string): ModelMessage => ({
  role: 'tool',
  tool_call_id: call.id,
  name: call.name,
  content,
})
