import Handlebars from 'handlebars'

const DEFAULT_TEMPLATE = '{{instruction}}{{#if intent}}\n\nTask: {{intent}}{{/if}}\n\nUser: {{input}}\nAgent:'

// An instance of its own: no helper or partial anybody registered elsewhere, and none that writes to the log.
const handlebars = Handlebars.create()
handlebars.unregisterHelper('log')

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
 * The prompt of an execution, rendered once before its first attempt. Unknown variables render empty; nothing is escaped
 * (aegis-runtime §2.4).
 * @throws Error when the template is broken
 */
export function renderPrompt({ template, instruction, intent, input, context, overrides }: PromptInput): string {
  // An intent without an input is sent as it is.
  if (input === null && intent !== null) return intent
  const render = handlebars.compile(template || DEFAULT_TEMPLATE, { noEscape: true, strict: false })
  return render({
    ...overrides,
    instruction,
    intent: intent ?? '',
    input: typeof input === 'string' ? input : JSON.stringify(input),
    iteration_number: 1,
    previous_error: '',
    context,
  })
}
