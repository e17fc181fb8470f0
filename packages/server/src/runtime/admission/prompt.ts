const DEFAULT_TEMPLATE = '{{instruction}}{{#if intent}}\n\nTask: {{intent}}{{/if}}\n\nUser: {{input}}\nAgent:'

/** How often a template may go round its loops, and how long what it makes may be: it is somebody else's program. */
const MOST_ROUNDS = 100_000
const LONGEST_PROMPT = 16 * 1024 ** 2
/** A template is compiled for each prompt, which takes a tenth of a millisecond for each. */
const MOST_EXPRESSIONS = 2_000

type Renderer = typeof import('handlebars')

let loading: Promise<Renderer> | null = null

/** Loaded when first needed. */
function handlebars(): Promise<Renderer> {
  loading ??= import('handlebars').then(({ default: shared }) => shared)
  return loading
}

/**
 * A renderer of its own for each prompt: its loops are counted. Templates cannot define partials, which could call each other
 * without end, and have no helper that writes to the log.
 */
function boundedRenderer(shared: Renderer): Renderer {
  const own = shared.create()
  own.unregisterHelper('log')
  own.unregisterDecorator('inline')
  own.registerHelper('json', (value: unknown) => JSON.stringify(value) ?? 'null')
  let rounds = 0
  let length = 0
  const each = own.helpers.each
  if (each === undefined) throw new Error('The renderer has no loops.')
  own.registerHelper('each', function (this: unknown, list: unknown, options: Handlebars.HelperOptions) {
    const fn: Handlebars.HelperOptions['fn'] = (...given) => {
      if (++rounds > MOST_ROUNDS) throw new Error(`its loops go round more than ${MOST_ROUNDS} times`)
      const text = options.fn(...given)
      length += text.length
      if (length > LONGEST_PROMPT) throw new Error(tooLong)
      return text
    }
    return each.call(this, list, { ...options, fn }) as unknown
  })
  return own
}

const tooLong = `it makes more than ${LONGEST_PROMPT} characters`

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
  return renderTemplate(template || DEFAULT_TEMPLATE, {
    ...overrides,
    instruction,
    intent: intent ?? '',
    input: typeof input === 'string' ? input : JSON.stringify(input),
    iteration_number: 1,
    previous_error: '',
    context,
  })
}

/**
 * A text of a manifest with its variables filled in, under the same bounds; `{{json name}}` writes a value as JSON.
 * @throws Error when the template is broken, or makes too much
 */
export async function renderTemplate(template: string, values: Readonly<Record<string, unknown>>): Promise<string> {
  if (template.split('{{').length > MOST_EXPRESSIONS + 1)
    throw new Error(`it has more than ${MOST_EXPRESSIONS} expressions`)
  const render = boundedRenderer(await handlebars()).compile(template, { noEscape: true, strict: false })
  const text = render(values, { allowProtoMethodsByDefault: false, allowProtoPropertiesByDefault: false })
  if (text.length > LONGEST_PROMPT) throw new Error(tooLong)
  return text
}
