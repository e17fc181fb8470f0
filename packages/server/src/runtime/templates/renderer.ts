import { type Expression, evaluate, expressionOf, markExpressions } from './expression.ts'
import { helpers } from './helpers.ts'

/** How often a template may go round its loops, and how long what it makes may be: it is somebody else's program. */
const MOST_ROUNDS = 100_000
const LONGEST_TEXT = 16 * 1024 ** 2
/** Compiling takes a tenth of a millisecond for each. */
const MOST_EXPRESSIONS = 2_000
/** Compiled templates that are kept for the next time. */
const MOST_KEPT = 500

export type Handlebars = typeof import('handlebars')
export type Values = Readonly<Record<string, unknown>>

/**
 * Texts of manifests with variables in them: Handlebars without prototypes, partials and escaping. Unknown variables render empty;
 * nothing but the values' own properties is read; objects and lists render as JSON. Beside paths an expression may stand
 * (`{{n + 1}}`, `{{#if score > 0.5}}`). What is rendered depends on the template and the values alone.
 */
export interface Templates {
  /** @throws Error when the template is broken, or makes too much */
  render(template: string, values: Values): string
  /** The value of a template that is one path or expression alone, such as `{{BUILD.output}}`; otherwise its text. */
  valueOf(template: string, values: Values): unknown
  /** What is wrong with a template, or null. Its values are not asked for. */
  problemOf(template: string): string | null
}

interface Compiled {
  render(values: Values): string
}

const tooLong = `it makes more than ${LONGEST_TEXT} characters`
const alone = /^\{\{\{?([^{}]+)\}\}\}?$/

let loading: Promise<Templates> | null = null

/** Loaded when first needed. */
export function loadTemplates(): Promise<Templates> {
  loading ??= import('handlebars').then(({ default: shared }) => createTemplates(shared))
  return loading
}

export function createTemplates(shared: Handlebars): Templates {
  const kept = new Map<string, Compiled>()

  function compiled(template: string): Compiled {
    const found = kept.get(template)
    if (found) return found
    const made = compile(shared, template)
    const oldest = kept.size < MOST_KEPT ? undefined : kept.keys().next().value
    if (oldest !== undefined) kept.delete(oldest)
    kept.set(template, made)
    return made
  }

  function render(template: string, values: Values): string {
    const text = template.includes('{{') ? compiled(template).render(values) : template
    if (text.length > LONGEST_TEXT) throw new Error(tooLong)
    return text
  }

  return {
    render,
    valueOf(template, values) {
      const expression = expressionOf(alone.exec(template.trim())?.[1] ?? '')
      return expression ? (evaluate(expression, [values]) ?? '') : render(template, values)
    },
    problemOf(template) {
      if (!template.includes('{{')) return null
      try {
        return parsed(shared, template).unknown[0] ?? null
      } catch (error) {
        return (error as Error).message
      }
    },
  }
}

/** What may be called: beside our own, blocks and `lookup`. */
const callable: readonly string[] = [...Object.keys(helpers), 'if', 'unless', 'each', 'with', 'lookup', '__expression']

/** A program, the expressions that it calls by their numbers, and what it calls that there is not. @throws Error when it is broken */
function parsed(shared: Handlebars, template: string) {
  if (template.split('{{').length > MOST_EXPRESSIONS + 1)
    throw new Error(`it has more than ${MOST_EXPRESSIONS} expressions`)
  const { text, expressions } = markExpressions(template)
  const program = shared.parse(text)
  const unknown: string[] = []
  const check = ({ path, params }: { path: hbs.AST.Node; params: readonly unknown[] }) => {
    const { original } = path as hbs.AST.PathExpression
    if (params.length > 0 && !callable.includes(original)) unknown.push(`there is no helper '${original}'`)
  }
  const Walk = class extends shared.Visitor {
    override MustacheStatement(statement: hbs.AST.MustacheStatement): void {
      check(statement)
      super.MustacheStatement(statement)
      showAsText(statement)
    }
    override SubExpression(call: hbs.AST.SubExpression): void {
      check(call)
      super.SubExpression(call)
    }
    override BlockStatement(block: hbs.AST.BlockStatement): void {
      check(block)
      super.BlockStatement(block)
    }
    override PartialStatement(): void {
      unknown.push('partials are not available')
    }
    override PartialBlockStatement(): void {
      unknown.push('partials are not available')
    }
    override Decorator(): void {
      unknown.push('decorators are not available')
    }
    override DecoratorBlock(): void {
      unknown.push('decorators are not available')
    }
  }
  new Walk().accept(program)
  return { program, expressions, unknown }
}

/** Makes `{{a b}}` into `{{__text (a b)}}`, so that what is no text is written as JSON. */
function showAsText(statement: hbs.AST.MustacheStatement): void {
  const { path, params, hash, loc } = statement
  const name = path.type === 'PathExpression' ? (path as hbs.AST.PathExpression).original : ''
  const isCall = params.length > 0 || hash !== undefined || Object.hasOwn(helpers, name)
  const inner = isCall ? ({ type: 'SubExpression', path, params, hash, loc } as hbs.AST.SubExpression) : path
  statement.path = {
    type: 'PathExpression',
    data: false,
    depth: 0,
    parts: ['__text'],
    original: '__text',
    loc,
  } as never
  statement.params = [inner]
  statement.hash = undefined as never
}

/**
 * A renderer of its own for each template: its loops are counted. Templates cannot define partials, which could call each other
 * without end, and have no helper that writes to the log.
 */
function compile(shared: Handlebars, template: string): Compiled {
  const own = shared.create()
  own.unregisterHelper('log')
  own.unregisterDecorator('inline')
  let rounds = 0
  let length = 0
  const { program, expressions } = parsed(shared, template)
  own.registerHelper(helpers as never)
  own.registerHelper('__text', (value: unknown) => textOf(value))
  own.registerHelper('__expression', function (this: unknown, index: unknown, options: Handlebars.HelperOptions) {
    const expression: Expression | undefined = expressions[Number(index)]
    const data = options.data as Values | undefined
    const loop = Object.fromEntries(['index', 'key', 'first', 'last', 'root'].map((name) => [`@${name}`, data?.[name]]))
    return expression && evaluate(expression, [this, data?.root, loop])
  })
  const each = own.helpers.each
  if (each === undefined) throw new Error('The renderer has no loops.')
  own.registerHelper('each', function (this: unknown, list: unknown, options: Handlebars.HelperOptions) {
    const fn: Handlebars.HelperOptions['fn'] = (...given) => {
      if (++rounds > MOST_ROUNDS) throw new Error(`its loops go round more than ${MOST_ROUNDS} times`)
      const text = options.fn(...given)
      length += text.length
      if (length > LONGEST_TEXT) throw new Error(tooLong)
      return text
    }
    return each.call(this, list, { ...options, fn }) as unknown
  })
  const run = own.compile(program, { noEscape: true, strict: false })
  return {
    render(values) {
      rounds = 0
      length = 0
      return run(values, { allowProtoMethodsByDefault: false, allowProtoPropertiesByDefault: false })
    },
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'function') return ''
  return typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value)
}
