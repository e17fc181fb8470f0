const DEFAULT_TEMPLATE = '{{instruction}}{{#if intent}}\n\nTask: {{intent}}{{/if}}\n\nUser: {{input}}\nAgent:'

let renderer: Promise<typeof import('handlebars')> | null = null

/** Loaded when first needed. An instance of its own: no helper or partial from elsewhere, and none that writes to the log. */
function templates(): Promise<typeof import('handlebars')> {
  renderer ??= import('handlebars').then(({ default: shared }) => {
    const own = shared.create()
    own.unregisterHelper('log')
    return own
  })
  return renderer
}

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
export async function renderPrompt(prompt: PromptInput): Promise<string> {
  const { template, instruction, intent, input, context, overrides } = prompt
  // An intent without an input is sent as it is.
  if (input === null && intent !== null) return intent
  const handlebars = await templates()
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
