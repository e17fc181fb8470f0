import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import {
  type BundleDocument,
  compilePolicy,
  composeBundles,
  createEnvelope,
  DEFAULT_LIMITS,
  DEFAULT_TIMEOUT,
  decidePost,
  decidePre,
  loadBundle,
  MAX_ALIASES,
  MAX_BUNDLE_BYTES,
  MAX_MESSAGE,
  type Policy,
  ToolRegistry,
} from '@lictor/contracts'
import { checkBundle, MAX_EXPRESSION_DEPTH, MAX_PLACEHOLDER, OPERATOR_NAMES } from '@lictor/contracts/authoring'
import * as guardPackage from '@lictor/guard'
import { runCli } from 'lictor'
import { afterAll, describe, expect, test } from 'vitest'

/**
 * Executes the guide: bundles load; the calls below them, judged by all bundles since the calls before (composed, when
 * there are several), end as the guide says; commands print what it shows; each row of the operator table holds.
 */
const guide = readFileSync(join(import.meta.dirname, 'contract-language.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'guide-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const AsyncFunction = (async () => {}).constructor as new (
  ...source: string[]
) => (...values: unknown[]) => Promise<void>

interface Block {
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  readonly line: number
}

const blocks = [...guide.matchAll(/^```(\w+)([^\n]*)\n([\s\S]*?)^```$/gm)].map(
  ({ index, 1: language = '', 2: info = '', 3: text = '' }): Block => ({
    language,
    words: info.trim().split(/\s+/),
    text,
    line: guide.slice(0, index).split('\n').length,
  }),
)

for (const { words, text } of blocks) {
  const name = words.find((word) => word.endsWith('.yaml'))
  if (name !== undefined) writeFileSync(join(folder, name), text)
}

describe('bundles of the guide', () => {
  let layers: string[] = []
  for (const { language, words, text, line } of blocks) {
    if (language === 'yaml' && !text.startsWith('cases:')) {
      const isInvalid = words.includes('invalid')
      test(`line ${line}: ${isInvalid ? 'does not load' : 'loads'}`, () => {
        const { bundle, warnings } = checkBundle(text)
        expect(bundle === null).toBe(isInvalid)
        expect(warnings.length > 0).toBe(words.includes('warns'))
      })
      if (!isInvalid) layers.push(text)
    }
    if (language === 'calls') {
      const of = layers
      layers = []
      test.each(text.trimEnd().split('\n'))(`line ${line}: %s`, (call) =>
        expect(outcomeOf(of, parseCall(call))).toEqual(parseCall(call).expected),
      )
    }
  }

  test('there is no bundle without calls, but for those that do not load', () => expect(layers).toEqual([]))
})

describe('commands of the guide', () => {
  for (const { text, line } of blocks.filter(({ language }) => language === 'console')) {
    for (const command of text.split(/^\$ lictor /m).slice(1)) {
      const [argv = '', ...shown] = command.trimEnd().split('\n')
      test(`line ${line}: lictor ${argv}`, async () => {
        const printed: string[] = []
        const print = (text: string) => void printed.push(stripVTControlCharacters(text))
        await runCli(wordsOf(argv), {
          environment: {},
          workingDirectory: folder,
          isInteractive: false,
          print,
          note: print,
          readInput: async () => '',
          interrupted: new Promise(() => {}),
          pause: async () => {},
        })
        expect(printed.join('\n').split('\n')).toEqual(shown)
      })
    }
  }
})

describe('programs of the guide', () => {
  const listings = blocks.flatMap((block, index) =>
    block.language === 'ts' ? [{ ...block, prints: blocks[index + 1] }] : [],
  )

  test.each(listings)('line $line: prints what the next block shows', async ({ text, prints }) => {
    const printed: unknown[] = []
    const body = stripTypeScriptTypes(text)
      .replace(/^import \{ (.*) \} from '@lictor\/guard'$/m, 'const { $1 } = guardPackage')
      .replace(/'([\w-]+\.yaml)'/g, (_, name) => JSON.stringify(join(folder, name)))
    await new AsyncFunction('guardPackage', 'console', body)(guardPackage, {
      log: (line: unknown) => printed.push(line),
    })
    expect(`${printed.join('\n')}\n`).toBe(prints?.text)
  })
})

describe('operators of the guide', () => {
  const rows = [...guide.matchAll(/^\| `(\w+)` \| [^|]+ \| `(args\.v: [^`]+)` \| `([^`]+)` \| `([^`]+)` \|$/gm)]

  test('all are there', () => {
    expect(rows.map(([, operator]) => operator).sort()).toEqual([...OPERATOR_NAMES].sort())
  })

  test.each(rows.map(([, operator = '', leaf = '', holds = '', fails = '']) => [operator, leaf, holds, fails]))(
    '%s: %s holds for %s, not for %s',
    (operator = '', leaf = '', holds = '', fails = '') => {
      expect(leaf).toContain(`{${operator}:`)
      const policy = policyOf([
        `apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: o}\ndefaults: {mode: enforce}\ncontracts:\n  - id: o\n    type: pre\n    tool: t\n    when: {${leaf}}\n    then: {effect: deny, message: fired}\n`,
      ])
      const actionFor = (v: string) => decide(policy, createEnvelope('t', { v: JSON.parse(v) })).action
      expect([actionFor(holds), actionFor(fails)]).toEqual(['deny', 'allow'])
    },
  )
})

describe('numbers of the guide', () => {
  test.each([
    ['nesting of conditions', `They nest up to ${MAX_EXPRESSION_DEPTH} levels`],
    ['length of messages', `It has at most ${MAX_MESSAGE} characters`],
    ['length of placeholders', `each with at most ${MAX_PLACEHOLDER} characters`],
    ['size of bundles', `at most ${MAX_BUNDLE_BYTES.toLocaleString('en')} bytes and ${MAX_ALIASES} YAML aliases`],
    ['time to answer', `\`timeout\`, ${DEFAULT_TIMEOUT} if you say nothing`],
    [
      'limits of sessions',
      `Without any session contract ${DEFAULT_LIMITS.maxToolCalls} calls and ${DEFAULT_LIMITS.maxAttempts} attempts are the limit`,
    ],
    ['the example of a limit too high', `\`max_tool_calls: 1000\` stays ${DEFAULT_LIMITS.maxToolCalls}`],
  ])('%s', (_, sentence) => {
    expect(guide.replaceAll(/\s+/g, ' ')).toContain(sentence)
  })
})

test('links within the guide lead somewhere', () => {
  const headings = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-'))
  for (const [, anchor = ''] of guide.matchAll(/\]\(#([^)]+)\)/g)) expect(headings).toContain(anchor)
})

interface Call {
  readonly tool: string
  readonly args: Record<string, unknown>
  readonly environment: string
  readonly principal: Record<string, unknown> | null
  readonly metadata: Record<string, unknown>
  readonly session: { attempts?: number; executions?: number; tool_executions?: number }
  readonly returns: unknown
  readonly expected: Outcome
}

/** `text` is the message, or for `redact` what is left of the result; null when the guide does not show it. */
interface Outcome {
  readonly verdict: string
  readonly contract: string | null
  readonly text: string | null
}

/** `TOOL ARGS [in ENVIRONMENT] [as PRINCIPAL] [with METADATA] [after COUNTERS] [returns RESULT] => VERDICT [CONTRACT] ["TEXT"]` */
function parseCall(line: string): Call {
  const [call = '', outcome = ''] = line.split(/ => (?=[a-z]+(?: |$)(?!.* => ))/)
  const [, tool = '', rest = ''] = /^(\S+) (.*)$/.exec(call) ?? []
  const parts = rest.split(/ (in|as|with|after|returns) (?=[{"\w])/)
  const part = (word: string) => {
    const at = parts.indexOf(word)
    return at === -1 ? undefined : parts[at + 1]
  }
  const json = (word: string) => JSON.parse(part(word) ?? 'null')
  const [, verdict = '', contract, text] = /^([a-z]+)(?: ([\w:-]+))?(?: (".*"))?$/.exec(outcome) ?? []
  return {
    tool,
    args: JSON.parse(parts[0] ?? ''),
    environment: part('in') ?? 'production',
    principal: json('as'),
    metadata: json('with') ?? {},
    session: json('after') ?? {},
    returns: json('returns'),
    expected: { verdict, contract: contract ?? null, text: text === undefined ? null : JSON.parse(text) },
  }
}

function outcomeOf(layers: readonly string[], call: Call): Outcome {
  const policy = policyOf(layers)
  const { environment, principal, metadata, session, expected } = call
  const registry = new ToolRegistry(policy.tools)
  const envelope = createEnvelope(call.tool, call.args, { environment, principal, metadata, registry })
  const decision = decide(policy, envelope, session)
  const shown = (verdict: string, contract: string | null, text: string | null): Outcome => ({
    verdict,
    contract,
    text: expected.text === null ? null : text,
  })
  if (decision.action !== 'allow')
    return shown(decision.action === 'deny' ? 'deny' : 'approve', decision.decisionName, decision.reason)
  if (call.returns !== null) {
    const post = decidePost(policy, envelope, call.returns, true)
    const fired = post.contractsEvaluated.find(({ passed, observed }) => !passed && !observed)
    if (fired === undefined) return shown('allow', null, null)
    if (post.outputSuppressed) return shown('suppress', fired.name, fired.message)
    if (post.redactedResponse !== null) return shown('redact', fired.name, post.redactedResponse)
    return shown('warn', fired.name, fired.message)
  }
  const would = [...decision.contractsEvaluated, ...decision.observeResults].find(({ passed }) => !passed)
  return would === undefined ? shown('allow', null, null) : shown('observe', would.name, would.message)
}

function decide(policy: Policy, envelope: ReturnType<typeof createEnvelope>, session: Call['session'] = {}) {
  const { attempts = 1, executions = 0, tool_executions: toolExecutions = 0 } = session
  return decidePre(policy, envelope, { attempts, executions, toolExecutions })
}

function policyOf(layers: readonly string[]): Policy {
  const composed: { document: BundleDocument; hash: string } = composeBundles(
    layers.map((text, index) => ({ bundle: loadBundle(text), source: String(index) })),
  )
  return compilePolicy(composed.document, { version: composed.hash })
}

/** The words of a command line; single quotes hold blanks. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
