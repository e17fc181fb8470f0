import { loadTemplates } from '../templates/renderer.ts'

const DEFAULT_TEMPLATE = '{{instruction}}{{#if intent}}\n\nTask: {{intent}}{{/if}}\n\nUser: {{input}}\nAgent:'

export interface PromptInput {
  readonly template: string | undefined
  readonly instruction: string
  readonly intent: string | null
  readonly input: unknown
  /** `spec.context`, joined. */
  readonly context: string
  readonly overrides: Readonly<Record<string, unknown>>
}

/**
 * The prompt of an execution, rendered once before its first attempt. Unknown variables render empty; nothing is escaped, and
 * nothing but the variables' own properties is read.
 * @throws Error when the template is broken, or makes too much
 */
export async function renderPrompt(prompt: PromptInput): Promise<string> {
  const { template, instruction, intent, input, context, overrides } = prompt
  // An intent without an input is sent as it is.
  if (input === null && intent !== null) return intent
  return (await loadTemplates()).render(template || DEFAULT_TEMPLATE, {
    ...overrides,
    instruction,
    intent: intent ?? '',
    input: typeof input === 'string' ? input : JSON.stringify(input),
    iteration_number: 1,
    previous_error: '',
    context,
  })
}
