/**
 * Expressions of workflow manifests: `blackboard.n + 1`, `REVIEW.score >= 0.8 && !flags.skip`. They know paths, numbers, texts,
 * `true`, `false`, `null`, parentheses and the operators `! * / % + - < <= > >= == != && ||`. A name may have hyphens within
 * (`unit-tests`), so that a difference needs blanks (`a - b`). Nothing can be called and nothing of a prototype is read.
 */
export type Expression =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'path'; readonly steps: readonly string[] }
  | { readonly kind: 'not' | 'minus'; readonly of: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }

/** A text that is no expression. */
export class NoExpression extends Error {
  override readonly name = 'NoExpression'
}

const MOST_TOKENS = 500
const DEEPEST = 50

const token =
  /\s*(?:(\d+(?:\.\d+)?(?![\w.]))|("[^"\\]*"|'[^'\\]*')|((?:@?[\p{L}_$][\p{L}\p{N}_$]*(?:-[\p{L}\p{N}_$]+)*|\[[^\][]+\])(?:\.(?:[\p{L}\p{N}_$]+(?:-[\p{L}\p{N}_$]+)*|\[[^\][]+\]))*)|(&&|\|\||[<>=!]=|[-+*/%<>!()]|\{\{|\}\}))/uy

type Token = { readonly kind: 'number' | 'text' | 'path' | 'operator'; readonly text: string }

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (source.slice(at).trim() !== '') {
    token.lastIndex = at
    const match = token.exec(source)
    if (!match || tokens.length >= MOST_TOKENS) throw new NoExpression('This is no expression.')
    const [, number, text, path, operator] = match
    const kind =
      number !== undefined ? 'number' : text !== undefined ? 'text' : path !== undefined ? 'path' : 'operator'
    tokens.push({ kind, text: number ?? text ?? path ?? operator ?? '' })
    at = token.lastIndex
  }
  return tokens
}

/** From what binds least. */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
]

/** @throws NoExpression */
export function parseExpression(source: string): Expression {
  const tokens = tokensOf(source)
  let at = 0
  const take = (text: string): boolean => {
    const next = tokens[at]
    if (next?.kind !== 'operator' || next.text !== text) return false
    at++
    return true
  }

  function level(index: number, depth: number): Expression {
    if (depth > DEEPEST) throw new NoExpression('This expression is nested too deeply.')
    const operators = levels[index]
    if (!operators) return unary(depth)
    let left = level(index + 1, depth)
    for (;;) {
      const operator = operators.find(take)
      if (operator === undefined) return left
      left = { kind: 'binary', operator, left, right: level(index + 1, depth) }
    }
  }

  function unary(depth: number): Expression {
    if (take('!')) return { kind: 'not', of: nested(depth) }
    if (take('-')) return { kind: 'minus', of: nested(depth) }
    for (const [open, close] of [
      ['(', ')'],
      ['{{', '}}'],
    ] as const)
      if (take(open)) {
        const inner = level(0, depth + 1)
        if (!take(close)) throw new NoExpression(`'${close}' is missing.`)
        return inner
      }
    const next = tokens[at++]
    switch (next?.kind) {
      case 'number':
        return { kind: 'literal', value: Number(next.text) }
      case 'text':
        return { kind: 'literal', value: next.text.slice(1, -1) }
      case 'path':
        return words.get(next.text) ?? { kind: 'path', steps: stepsOf(next.text) }
      default:
        throw new NoExpression('A value is missing.')
    }
  }

  function nested(depth: number): Expression {
    if (depth > DEEPEST) throw new NoExpression('This expression is nested too deeply.')
    return unary(depth + 1)
  }

  const whole = level(0, 0)
  if (at < tokens.length) throw new NoExpression(`Unexpected '${tokens[at]?.text}'.`)
  return whole
}

const words = new Map<string, Expression>([
  ['true', { kind: 'literal', value: true }],
  ['false', { kind: 'literal', value: false }],
  ['null', { kind: 'literal', value: null }],
  ['undefined', { kind: 'literal', value: undefined }],
])

const stepsOf = (path: string): string[] =>
  [...path.matchAll(/\[([^\]]+)\]|([^.[\]]+)/g)].map(([, inner, plain]) => inner ?? plain ?? '')

/** The value of an expression; a path is looked for in the first of `scopes` that has its beginning. */
export function evaluate(expression: Expression, scopes: readonly unknown[]): unknown {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'path':
      return resolve(expression.steps, scopes)
    case 'not':
      return !isTruthy(evaluate(expression.of, scopes))
    case 'minus':
      return -asNumber(evaluate(expression.of, scopes))
    case 'binary':
      return combine(expression.operator, expression.left, expression.right, scopes)
  }
}

function combine(operator: string, left: Expression, right: Expression, scopes: readonly unknown[]): unknown {
  const one = evaluate(left, scopes)
  if (operator === '&&') return isTruthy(one) ? evaluate(right, scopes) : one
  if (operator === '||') return isTruthy(one) ? one : evaluate(right, scopes)
  const other = evaluate(right, scopes)
  switch (operator) {
    case '==':
      return areEqual(one, other)
    case '!=':
      return !areEqual(one, other)
    case '+':
      return isNumeric(one) && isNumeric(other) ? Number(one) + Number(other) : `${one ?? ''}${other ?? ''}`
    case '-':
      return asNumber(one) - asNumber(other)
    case '*':
      return asNumber(one) * asNumber(other)
    case '/':
      return asNumber(one) / asNumber(other)
    case '%':
      return asNumber(one) % asNumber(other)
    default:
      return isOrdered(operator, one, other)
  }
}

function isOrdered(operator: string, one: unknown, other: unknown): boolean {
  const areTexts = typeof one === 'string' && typeof other === 'string' && !(isNumeric(one) && isNumeric(other))
  // What is missing or no number is neither more nor less than anything.
  const [a, b] = areTexts ? [one, other] : [asNumber(one), asNumber(other)]
  if (operator === '<') return a < b
  if (operator === '<=') return a <= b
  return operator === '>' ? a > b : a >= b
}

const isNumeric = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))

const asNumber = (value: unknown): number => (isNumeric(value) ? Number(value) : Number.NaN)

function areEqual(one: unknown, other: unknown): boolean {
  if (one === undefined || one === null || other === undefined || other === null)
    return (one ?? null) === (other ?? null)
  if (isNumeric(one) && isNumeric(other)) return Number(one) === Number(other)
  if (typeof one === 'object' || typeof other === 'object') return JSON.stringify(one) === JSON.stringify(other)
  return String(one) === String(other)
}

/** As templates judge an `if`: an empty list is nothing, and so is not-a-number. */
export function isTruthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function resolve(steps: readonly string[], scopes: readonly unknown[]): unknown {
  const [first = '', ...rest] = steps
  const scope =
    first === 'this'
      ? scopes[0]
      : own(
          scopes.find((one) => hasOwn(one, first)),
          first,
        )
  return rest.reduce(own, scope)
}

const hasOwn = (value: unknown, name: string): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)

const own = (value: unknown, name: string): unknown => (hasOwn(value, name) ? value[name] : undefined)

const mustache = /(\\?)(\{\{\{?)([^{}]+)(\}\}\}?)/g
const parts = /^(~?\s*(?:#(?:if|unless)\s|else\s+if\s)?)([^~]+)(~?)$/

/** The template with each expression that Handlebars cannot read replaced by a call, and those expressions in their order. */
export function markExpressions(template: string): { text: string; expressions: readonly Expression[] } {
  const expressions: Expression[] = []
  const text = template.replace(mustache, (whole, slash: string, open: string, inside: string, close: string) => {
    const [, before = '', source = '', after = ''] = parts.exec(inside) ?? []
    const expression = slash === '' ? expressionOf(source) : null
    if (expression === null || expression.kind === 'path') return whole
    expressions.push(expression)
    const call = `__expression ${expressions.length - 1}`
    return `${open}${before}${/\w/.test(before) ? `(${call})` : call}${after}${close}`
  })
  return { text, expressions }
}

/** Null where the text is none. */
export function expressionOf(source: string): Expression | null {
  try {
    return parseExpression(source)
  } catch {
    return null
  }
}
