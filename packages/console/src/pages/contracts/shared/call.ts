/**
 * A call to be tried, as a person writes it: every field is text. `args` and `claims` are JSON; `ran` are tools that have run in
 * the session and `labels` those that it bears, with commas between them; `output` is what the tool returns, and while it is
 * empty post contracts are not asked.
 */
export const CALL_FIELDS = ['tool', 'args', 'env', 'role', 'user', 'claims', 'ran', 'labels', 'output'] as const
export type CallText = Readonly<Record<(typeof CALL_FIELDS)[number], string>>

export const NO_CALL: CallText = {
  tool: '',
  args: '',
  env: '',
  role: '',
  user: '',
  claims: '',
  ran: '',
  labels: '',
  output: '',
}

/** A call that can be judged. */
export interface Call {
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly environment: string
  readonly principal: {
    readonly role?: string
    readonly userId?: string
    readonly claims?: Readonly<Record<string, unknown>>
  } | null
  readonly past: { readonly labels: readonly string[]; readonly tools: readonly string[] }
  readonly output: string | null
}

export type CallProblems = Partial<Record<keyof CallText, string>>

/** The environment of a call that names none. */
export const USUAL_ENVIRONMENT = 'production'

/** Reads what a person wrote: a call, or what is wrong with which field. */
export function readCall(text: CallText): { readonly call: Call | null; readonly problems: CallProblems } {
  const problems: { -readonly [field in keyof CallProblems]: string } = {}
  const objectIn = (field: 'args' | 'claims'): Readonly<Record<string, unknown>> => {
    const written = text[field].trim()
    if (written === '') return {}
    try {
      const value: unknown = JSON.parse(written)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
      problems[field] = 'An object is wanted: {"path": "a.txt"}.'
    } catch (error) {
      problems[field] = `This is not JSON yet: ${error instanceof Error ? error.message : ''}`
    }
    return {}
  }
  const list = (written: string) =>
    written
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean)
  const args = objectIn('args')
  const claims = objectIn('claims')
  const tool = text.tool.trim()
  if (Object.keys(problems).length > 0 || tool === '') return { call: null, problems }
  const [role, userId] = [text.role.trim(), text.user.trim()]
  const hasClaims = Object.keys(claims).length > 0
  return {
    problems,
    call: {
      tool,
      args,
      environment: text.env.trim() || USUAL_ENVIRONMENT,
      principal:
        role || userId || hasClaims
          ? { ...(role ? { role } : {}), ...(userId ? { userId } : {}), ...(hasClaims ? { claims } : {}) }
          : null,
      past: { labels: list(text.labels), tools: list(text.ran) },
      output: text.output === '' ? null : text.output,
    },
  }
}

/** The text of arguments that were recorded, for a field. */
export const argumentsText = (args: Readonly<Record<string, unknown>>): string =>
  Object.keys(args).length === 0 ? '' : JSON.stringify(args, null, 2)
