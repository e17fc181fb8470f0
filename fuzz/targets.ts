/** What is fuzzed. Each target makes one case from a seed and throws where the package breaks a promise. */
import { createContext, Script } from 'node:vm'
import {
  compilePattern,
  compilePolicy,
  createEnvelope,
  decidePost,
  decidePre,
  dryRun,
  EdictumConfigError,
  loadBundle,
  PatternLimitError,
  PatternSyntaxError,
  type Policy,
  REDACTED,
  RedactionPolicy,
  redactText,
} from '@lictor/contracts'
import { checkBundle, convertDocument, explain } from '@lictor/contracts/authoring'
import { loadWorkflow } from '@lictor/contracts/gates'
import type { Corpus } from './corpus.ts'
import { hostileArgs, hostileValue, mutateText } from './mutate.ts'
import type { Random } from './random.ts'

/** `note` is called with what the case is made of, for the reproducer. */
export type Target = (random: Random, note: (made: unknown) => void) => void

const tools = ['tool', 'read_file', 'bash', 'write_file', 'Bash', 'http_get', 'delete', 'x:y.z', 'é']
const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }

export function fuzzTargets(corpus: Corpus): Readonly<Record<string, Target>> {
  const policies = corpus.bundles.flatMap((text) => {
    const { document, hash } = tolerated(() => loadBundle(text)) ?? {}
    return document && hash ? [{ text, policy: compilePolicy(document, { version: hash }) }] : []
  })
  return {
    load(random, note) {
      const text = mutateText(random, random.pick(corpus.bundles), random.pick(corpus.bundles))
      note(text)
      const source = random.chance(0.1) ? spoiled(random, text) : text
      const checked = checkBundle(source)
      const loaded = tolerated(() => loadBundle(source))
      if ((loaded === null) !== (checked.bundle === null) || (loaded === null) !== checked.issues.length > 0)
        throw new Error('loadBundle and checkBundle disagree')
      if (typeof source === 'string')
        for (const kind of ['Ruleset', 'ContractBundle'] as const) tolerated(() => convertDocument(source, kind))
      if (loaded === null) return
      const policy = tolerated(() => compilePolicy(loaded.document, { version: loaded.hash }))
      if (policy) judge(random, policy, note)
    },
    decide(random, note) {
      const { text, policy } = random.pick(policies)
      note(text)
      judge(random, policy, note)
    },
    workflow(random, note) {
      const text = mutateText(random, random.pick(corpus.workflows), random.pick(corpus.workflows))
      note(text)
      tolerated(() => loadWorkflow(text))
    },
    regexNoise(random, note) {
      const source = mutateText(random, plainPattern(random, 3), '(?P<n>a)(?P=n)[^\\w-]{2,3}?(?<=x)\\bé\\u00e9(?i:a)$')
      const subject = hostileText(random)
      note({ source, subject })
      const pattern = tolerated(() => compilePattern(source))
      if (!pattern) return
      tolerated(() => pattern.test(subject))
      tolerated(() => pattern.replaceAll(subject, '$&'))
    },
    /** Within what Python and JavaScript read alike, the two must agree. */
    regexMeaning(random, note) {
      const source = plainPattern(random, 4)
      const subject = Array.from({ length: random.below(24) }, () => random.pick([...'aabbcAB01 _-.'])).join('')
      note({ source, subject })
      const found = tolerated(() => compilePattern(source).test(subject))
      const expected = found === null ? null : inJavaScript(source, subject)
      if (expected !== null && found !== expected) throw new Error(`found ${found}, JavaScript finds ${expected}`)
    },
    redact(random, note) {
      const secret = `planted${random.below(1e9)}`
      const key = random.pick([
        'password',
        'apiKey',
        'API-KEY',
        'db_password',
        'accessToken',
        'client_secret',
        'Authorization',
      ])
      const value: unknown = wrapped(random, { [key]: random.pick([secret, [secret], { inner: secret }]) })
      note({ key, value: printable(value) })
      const policy = new RedactionPolicy()
      const shown = JSON.stringify(policy.redactArgs(value))
      if (shown?.includes(secret)) throw new Error(`the secret is shown: ${shown}`)
      if (shown?.includes(key) && !shown.includes(REDACTED)) throw new Error(`nothing is redacted: ${shown}`)
      policy.redactArgs(hostileValue(random))
      redactText(hostileText(random))
      const token = `sk-${'a1B2'.repeat(8)}${random.below(1e6)}`
      if (JSON.stringify(policy.redactArgs({ note: token })).includes(token)) throw new Error('the token is shown')
      const bearer = random.pick(['export API_KEY=', '--password ', '--password=', 'postgres://user:'])
      const text = `${hostileText(random).slice(0, 50)} ${bearer}${secret}${bearer.includes('://') ? '@host' : ''} ls`
      note(text)
      if (redactText(text).includes(secret)) throw new Error(`the secret is shown: ${redactText(text)}`)
    },
  }
}

function judge(random: Random, policy: Policy, note: (made: unknown) => void): void {
  const tool = random.pick(tools)
  const args = hostileArgs(random)
  note({ tool, args: printable(args) })
  const envelope = tolerated(() =>
    createEnvelope(tool, args, {
      environment: 'production',
      principal: { role: 'ops', claims: { a: 1 }, userId: 'u' },
      callId: 'c',
      timestamp: '2026-01-01T00:00:00Z',
    }),
  )
  if (!envelope) return
  const decision = decidePre(policy, envelope, COUNTERS)
  if (decision.action !== decidePre(policy, envelope, COUNTERS).action) throw new Error('two decisions differ')
  // What leaves the process in an audit event is written as JSON.
  JSON.stringify(decision.contractsEvaluated)
  decidePost(policy, envelope, random.chance(0.5) ? hostileText(random) : hostileValue(random), random.chance(0.9))
  dryRun(policy, { toolName: tool, args: envelope.args })
  explain(policy, envelope, COUNTERS)
}

/** The result, or null where the package refused with one of its own errors. */
function tolerated<T>(run: () => T): T | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof EdictumConfigError) return null
    if (error instanceof PatternSyntaxError || error instanceof PatternLimitError) return null
    throw error
  }
}

const sandbox = createContext({ source: '', subject: '' })
const search = new Script('new RegExp(source).test(subject)')

/** What JavaScript finds; null where it is at it for too long, as it may well be. */
function inJavaScript(source: string, subject: string): boolean | null {
  Object.assign(sandbox, { source, subject })
  try {
    return search.runInContext(sandbox, { timeout: 200 }) as boolean
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null
    throw error
  }
}

function spoiled(random: Random, text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  for (let count = random.below(6); count > 0; count--) bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

function hostileText(random: Random): string {
  const parts = [
    'a',
    'aaaa',
    '!',
    '\n',
    '\0',
    '\ud83d',
    '😀',
    'é',
    '\u0130',
    'ſ',
    'sk-',
    'AKIA',
    'eyJ',
    '123-45-6789',
    ' ',
    'x@y.z',
  ]
  const unit = Array.from({ length: 1 + random.below(6) }, () => random.pick(parts)).join('')
  return unit.repeat(1 + random.below(random.chance(0.1) ? 3000 : 8))
}

function plainPattern(random: Random, depth: number): string {
  const atom = (): string => {
    switch (random.below(depth > 0 ? 9 : 5)) {
      case 0:
      case 1:
        return random.pick(['a', 'b', 'c', 'A', '0', '_', '-'])
      case 2:
        return '.'
      case 3:
        return random.pick(['[ab]', '[^a]', '[a-c]', '[A-Z0-9]', '[^0-9_]'])
      case 4:
        return random.pick(['\\.', '\\-', 'ab', '1'])
      case 5:
        return `(${plainPattern(random, depth - 1)})`
      case 6:
        return `(?:${plainPattern(random, depth - 1)})`
      case 7:
        return `(?=${plainPattern(random, depth - 1)})`
      default:
        return `(?!${plainPattern(random, depth - 1)})`
    }
  }
  const piece = () => {
    const one = atom()
    // JavaScript repeats assertions only outside its Unicode mode; neither language gains from it.
    const quantifier = one.startsWith('(?=') || one.startsWith('(?!') ? '' : random.pick(quantifiers)
    return (one.length > 1 && one !== '\\.' && one !== '\\-' && !/^[([]/.test(one) ? `(?:${one})` : one) + quantifier
  }
  const branch = () => Array.from({ length: 1 + random.below(3) }, piece).join('')
  const branches = Array.from({ length: random.chance(0.25) ? 2 : 1 }, branch).join('|')
  return random.chance(0.1) ? `^${branches}` : branches
}

const quantifiers = ['', '', '', '*', '+', '?', '*?', '+?', '{0,2}', '{2}', '{1,3}?'] as const

function wrapped(random: Random, value: object): unknown {
  let result: unknown = value
  for (let level = random.below(6); level > 0; level--)
    result = random.chance(0.5) ? [1, result] : { [random.pick(['a', 'config', 'items', 'nested'])]: result }
  return result
}

/** Something readable of any value, for the reproducer. */
function printable(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? `${one}n` : one)).slice(0, 5000)
  } catch (error) {
    return `cannot be written as JSON: ${String(error)}`
  }
}
