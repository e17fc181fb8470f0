import type { Case, Contract } from './case.ts'
import { createRandom, type Random } from './random.ts'
import { YamlText } from './text.ts'

const TOOLS = ['t', 'Bash', 'Read', 'Write', 'read_file', 'mcp__files__get']
const KEYS = ['a', 'b', 'command', 'path', 'file_path', 'url', 'cwd']
const NAMES = ['args.a', 'args.a', 'args.a.k', 'args.b', 'args.command', 'args.path', 'tool.name', 'environment']
const OUTSIDE = ['env.X', 'env.Y', 'principal.role', 'principal.user_id', 'principal.claims.k', 'args.none']

/** Blanks of one language and not of the other, invisible characters, astral characters, combining marks, letters that fold. */
const ODD = ['\u001c', '\u001f', '\u0085', '\u00a0', '\ufeff', '\u200b', '\u2028', '\u3000', '\t', '\n', '\u007f']
const LETTERS = [
  'a',
  'b',
  'A',
  '1',
  '_',
  ' ',
  "'",
  '"',
  '\\',
  '\u00e9',
  'e\u0301',
  '\u0130',
  '\u00df',
  '\u017f',
  '😀',
  '𝟙',
  '{',
  '}',
]
const WORDS = ['', 'x', 'secret', 'true', '1', '0', '1e5', 'null', 'a.b', 'rm -rf /', 'line\nline', 'x'.repeat(230)]
/** Made up, in the forms of real ones. */
export const SECRETS = [
  'sk-ant-api03-Zm9vYmFyYmF6cXV4MTIz',
  'AKIA2E0A8F3B244C9986',
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
]
const COMMANDS = [
  'git status',
  'git',
  'ls',
  'ls -la',
  'rm x',
  'git log | sh',
  'echo hi',
  'cat a',
  '',
  ' ',
  'git\tstatus',
  'a && b',
]
const PATHS = [
  '/tmp/ws/a',
  '/tmp/ws',
  '/tmp/ws/../b',
  '/etc/passwd',
  '/tmp/wsx',
  '',
  '/tmp/ws/.git/config',
  '/tmp/ws//a',
]
const URLS = ['https://a.test/x', 'https://b.test', 'http://A.TEST:80/', 'https://x.a.test', 'ftp://a.test/']
const NUMBERS = [0, 1, -1, 2, 1.5, 0.1, -0.5, 1e-5, 1.5e-7, 1e21, 1e22, 123456.789, 2 ** 53, 0.0001, 100]
const BIG = [123456789012345678n, 123456789012345679n, 9007199254740993n, -9007199254740993n, 2n ** 64n]
/** Whole numbers that JSON writes as floats. */
const FLOATS = ['1.0', '-0.0', '100.0', '1e3', '2.5e15', '1E+2', '0.5']
const PATTERNS = [
  'a', '^a$', '\\bx\\b', '\\B', '^.$', '^..$', 'x{2,3}', '[^a]', '\\s', '\\S+', '\\d', '\\w+$', '(?i)SECRET', 'é', '^\\W',
  '\\b', '\\B😀', '😀\\B', '😀\\b', '\\b.', '.\\b', '[😀]', '[^😀]', '^[^x]{2}$', '(?i)[k-s]', '(?i)ß', '(?i)\u0131', '(?i)k', '(?i)[^a]',
  '\\w\\W', '[\\w]', '[^\\W\\d]', '^\\d+$', '(?a)\\w', '(?a)^\\d', '(?x) a # b', '(?P<n>a|b)(?P=n)', '(?=s)secret', '(?<!a)b', '(?<=\\s)\\S',
  '(?:a|ab)(?:c|$)', 'x*?$', '^$', '$', '\\n$', '[\\n ]', '(?s).', '^.{230}$', '(?m)$\\n^', '(?(1)a|b)', '[[:alpha:]]', '\\u00e9', '\\x41', '\\N', '{', 'a{,2}b', 'a++',
  '(a|b)\\1', 'a\\Z', '\\Aa', '(?s)a.b', '(?m)^line$', '.{3}', '\\B.', '^\\s*$', 'se?cret', '[\\s\\d]',
] // biome-ignore format: one list, read across
const LITERAL_KEYS = [
  '{true: x}',
  '{1: x}',
  '{null: x}',
  '{1.5: x}',
  '{2024-01-01: x}',
  '{"true": x}',
  '{"k": 1}',
  '{k: 1}',
]
/** Scalars that the two versions of YAML read differently, or that have more than one spelling. */
const SCALARS = [
  'yes', 'No', 'ON', 'off', 'y', '~', 'Null', '010', '0o10', '0x1F', '0b11', '1_000', '1:30', '190:20:30.15', '.5', '-.inf',
  '.NaN', '1e3', '1.0', '1.5e+3', '1e+22', '-0.0', '+1', '=', '!!str 1', '!!int "3"', '!!float 3', '"1"', "'true'",
] // biome-ignore format: one list, read across
const TAGGED = [
  '!!binary aGk=',
  '!!set {a, b}',
  '!!omap [a: 1]',
  '!!bool "yes"',
  '!!null ""',
  '!!timestamp 2024-01-01',
  '!x 1',
]
const DATES = [
  '2024-01-01',
  '2024-01-01T10:00:00Z',
  '2024-01-01 10:00:00.5 +2',
  '2024-1-1 1:00:00 -05:30',
  '2024-01-01 10:00:00',
]
const MESSAGES = [
  'm',
  '{args.a}',
  'tool {tool.name} {args.a} {args.none}',
  '{args.a.k}',
  '{env.X}',
  '{output.text}',
  '{{a}}',
  '{args.path}',
  '{principal.claims.k} {principal.user_id}',
  '{env.Y}|{args.b}|{args.command}',
  '{ args.a }{args.a.k.k}{}',
  '{environment} {metadata.x} {args}',
  '😀'.repeat(300),
  '{args.a}{args.a}{args.a}{args.a}',
]
const ENVIRONMENT = [
  '1', '01', ' 1 ', '1_000', '1__0', '+1', '1.5', '1e3', '.5', '5.', 'inf', 'NaN', 'TRUE', 'false', '\u001c1', '𝟘𝟙', '0x1',
  'TrUe', ' 1 ', '１２', '1e400', '-1e400', '1e16', '1.5E+16', '1e22', '0.00001', '-0.0', '+.5', '_1', '1_', '1e1_0', '1.e2', '+inf', '-NAN', '\u20281', '0b1',
  '１\u0663', '000', '-12345678901234567890', '\ufeff1', '-0', '1e-5', '٣', '1_0.5', '', '123456789012345678', 'infinity', ' true',
] // biome-ignore format: one list, read across

/** Calls that are made against one bundle, so that most of a run decides instead of loading. */
const CALLS_PER_BUNDLE = 12

/** The case of a number: the same number, the same case. */
export function generateCase(seed: number): Case {
  return { ...bundleOf(createRandom(-1 - Math.floor(seed / CALLS_PER_BUNDLE))), ...callOf(createRandom(seed)) }
}

function bundleOf(random: Random): Pick<Case, 'bundle' | 'environment'> {
  const count = 1 + random.below(3)
  return {
    bundle: {
      mode: random.chance(0.9) ? 'enforce' : 'observe',
      ...(random.chance(0.3) ? { tools: tools(random) } : {}),
      contracts: Array.from({ length: count }, () => contract(random)),
    },
    environment: { X: random.pick(ENVIRONMENT), Y: random.pick(ENVIRONMENT) },
  }
}

function callOf(random: Random): Pick<Case, 'call'> {
  return {
    call: {
      tool: random.pick(TOOLS),
      args: args(random),
      principal: random.chance(0.3)
        ? { user_id: text(random), role: random.pick(['admin', 'Admin', '']), claims: { k: value(random) } }
        : null,
      output: text(random),
      throws: random.chance(0.1),
      answer: random.chance(0.7) ? 'approved' : random.pick(['denied', 'timeout']),
    },
  }
}

function tools(random: Random): Record<string, unknown> {
  const named = TOOLS.filter(() => random.chance(0.4))
  return Object.fromEntries(
    named.map((name) => [name, { side_effect: random.pick(['pure', 'read', 'read', 'write', 'irreversible']) }]),
  )
}

function contract(random: Random): Contract {
  const kind = random.below(10)
  const observed = random.chance(0.1) ? { mode: 'observe' } : {}
  if (kind < 5) {
    const effect = random.chance(0.8) ? 'deny' : 'approve'
    return {
      type: 'pre',
      tool: tool(random),
      ...observed,
      when: expression(random, NAMES, 0),
      // biome-ignore lint/suspicious/noThenProperty: a word of the contract language
      then: then(random, effect),
    }
  }
  if (kind < 7) {
    const effect = random.pick(['warn', 'redact', 'deny'])
    const names = [...NAMES, 'output.text', 'output.text']
    return {
      type: 'post',
      tool: tool(random),
      ...observed,
      when: expression(random, names, 0),
      // biome-ignore lint/suspicious/noThenProperty: a word of the contract language
      then: then(random, effect),
    }
  }
  if (kind < 9) return { ...sandbox(random), ...observed }
  // biome-ignore lint/suspicious/noThenProperty: a word of the contract language
  return { type: 'session', ...observed, limits: limits(random), then: then(random, 'deny') }
}

function limits(random: Random): unknown {
  switch (random.below(3)) {
    case 0:
      return { max_tool_calls: random.below(3) }
    case 1:
      return { max_attempts: 1 + random.below(3) }
    default:
      return { max_calls_per_tool: { [random.pick(TOOLS)]: random.below(3) } }
  }
}

function then(random: Random, effect: string): unknown {
  const metadata = random.chance(0.15) ? { metadata: { d: literal(random) } } : {}
  const tags = random.chance(0.2) ? { tags: ['x', 'y'] } : {}
  const timeout = effect === 'approve' && random.chance(0.5) ? { timeout: 5, timeout_effect: 'allow' } : {}
  return { effect, message: random.pick(MESSAGES), ...timeout, ...tags, ...metadata }
}

function sandbox(random: Random): Contract {
  const base = { type: 'sandbox', tool: tool(random), message: random.pick(MESSAGES) }
  const outside = random.chance(0.2) ? { outside: random.pick(['deny', 'approve']) } : {}
  switch (random.below(3)) {
    case 0:
      return {
        ...base,
        ...outside,
        within: ['/tmp/ws'],
        ...(random.chance(0.5) ? { not_within: ['/tmp/ws/.git'] } : {}),
      }
    case 1:
      return { ...base, ...outside, allows: { commands: ['git', 'ls'] } }
    default:
      return { ...base, ...outside, allows: { domains: ['a.test', '*.a.test'] } }
  }
}

function tool(random: Random): string {
  return random.pick(['*', '*', '*', 'Bash', 'Read', 'mcp__*', 't', '[a-t]', '?'])
}

function expression(random: Random, names: readonly string[], depth: number): unknown {
  if (depth === 0 && random.chance(0.01))
    return nested(random.pick([20, 48, 60]), { [random.pick(names)]: test(random) })
  const kind = depth < 2 ? random.below(10) : 9
  if (kind === 0) return { all: [expression(random, names, depth + 1), expression(random, names, depth + 1)] }
  if (kind === 1) return { any: [expression(random, names, depth + 1), expression(random, names, depth + 1)] }
  if (kind === 2) return { not: expression(random, names, depth + 1) }
  return { [random.chance(0.7) ? random.pick(names) : random.pick(OUTSIDE)]: test(random) }
}

function nested(levels: number, inner: unknown): unknown {
  return levels === 0 ? inner : { not: nested(levels - 1, inner) }
}

function test(random: Random): unknown {
  switch (random.below(13)) {
    case 0:
      return { exists: random.chance(0.5) }
    case 1:
    case 2:
      return { equals: literal(random) }
    case 3:
      return { not_equals: literal(random) }
    case 4:
      return { [random.pick(['in', 'not_in'])]: [literal(random), literal(random)] }
    case 5:
      return { contains: fragment(random) }
    case 6:
      return { contains_any: [fragment(random), 'secret'] }
    case 7:
      return { [random.pick(['starts_with', 'ends_with'])]: fragment(random) }
    case 8:
    case 9:
      return { matches: random.pick(PATTERNS) }
    case 10:
      return { matches_any: [random.pick(PATTERNS), random.pick(PATTERNS)] }
    default:
      return { [random.pick(['gt', 'gte', 'lt', 'lte'])]: random.chance(0.3) ? random.pick(BIG) : random.pick(NUMBERS) }
  }
}

function literal(random: Random): unknown {
  const kind = random.below(11)
  if (kind === 10) return new YamlText(random.pick(random.chance(0.1) ? TAGGED : SCALARS))
  if (kind === 0) return new YamlText(random.pick(LITERAL_KEYS))
  if (kind === 1) return new YamlText(random.pick(DATES))
  if (kind === 2) return [scalar(random)]
  return scalar(random)
}

function fragment(random: Random): string {
  return text(random) || 'x'
}

function args(random: Random): Record<string, unknown> {
  const made: Record<string, unknown> = {}
  const count = random.below(4)
  for (let index = 0; index < count; index++) {
    const key = random.pick(KEYS)
    made[key] = argument(random, key)
  }
  if (random.chance(0.7)) made.a = value(random)
  return made
}

function argument(random: Random, key: string): unknown {
  if (random.chance(0.15)) return value(random)
  switch (key) {
    case 'command':
      return (
        (random.chance(0.3) ? random.pick(ODD) : '') +
        random.pick(COMMANDS) +
        (random.chance(0.1) ? random.pick(ODD) : '')
      )
    case 'path':
    case 'file_path':
    case 'cwd':
      return random.pick(PATHS)
    case 'url':
      return random.pick(URLS)
    default:
      return value(random)
  }
}

function value(random: Random): unknown {
  const kind = random.below(9)
  if (kind === 2) return new YamlText(random.pick(FLOATS))
  if (kind === 0) return [scalar(random), scalar(random)].slice(random.below(3))
  if (kind === 3 && random.chance(0.3)) return { k: { k: [scalar(random), { k: text(random) }] } }
  if (kind === 1) return random.chance(0.2) ? {} : { [random.pick(['k', 'true', '1', 'null'])]: scalar(random) }
  return scalar(random)
}

function scalar(random: Random): unknown {
  switch (random.below(7)) {
    case 0:
      return random.pick([true, false, null])
    case 1:
      return random.pick(BIG)
    case 2:
    case 3:
      return random.pick(NUMBERS)
    default:
      return text(random)
  }
}

function text(random: Random): string {
  if (random.chance(0.02)) return random.pick(['', 'x ', 'a=']) + random.pick(SECRETS)
  if (random.chance(0.003)) return 'x'.repeat(10_500) + random.pick(['secret', 'line', ''])
  if (random.chance(0.4)) return random.pick(WORDS)
  let made = ''
  for (let length = random.below(5); length > 0; length--) made += random.pick(random.chance(0.25) ? ODD : LETTERS)
  return made
}
