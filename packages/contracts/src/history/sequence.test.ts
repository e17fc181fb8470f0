// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language
import { describe, expect, test } from 'vitest'
import { convertDocument } from '../convert/index.ts'
import { offerRuleset } from '../convert/offer.ts'
import { dryRun } from '../decide/dry-run.ts'
import { decidePost } from '../decide/post.ts'
import { decidePre } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { explain } from '../explain/explain.ts'
import { judgeChunks, marksBeforeReading, marksOfPast, NO_PAST } from '../index.ts'
import { checkBundle } from '../lint/check.ts'
import { readerIssues } from '../lint/readers.ts'
import { loadBundle } from '../load/index.ts'
import { loadPolicy } from '../policy/load.ts'

const LABEL = {
  id: 'web-is-untrusted',
  type: 'post',
  tool: 'fetch',
  then: { effect: 'label', label: 'untrusted-input' },
}
const AFTER = {
  id: 'no-mail-after',
  type: 'pre',
  tool: 'mail',
  when: { 'args.to': { not_equals: 'me@example.com' } },
  after: { labels: ['untrusted-input'], tools: ['read_inbox'] },
  then: { effect: 'approve', message: 'May {args.to} get this, after what was read?' },
}

const text = (contracts: readonly object[], more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name: 'b' },
    defaults: { mode: 'enforce' },
    contracts,
    ...more,
  })
const policyOf = (...contracts: object[]) => loadPolicy(text(contracts))
const mail = createEnvelope('mail', { to: 'ann@example.com' }, {})
const fetched = createEnvelope('fetch', { url: 'https://example.com' }, {})
const counters = (past?: ReadonlySet<string>) => ({
  attempts: 1,
  executions: 0,
  toolExecutions: 0,
  ...(past === undefined ? {} : { past }),
})
const issuesOf = (...contracts: object[]) =>
  checkBundle(text(contracts)).issues.map(({ path, message }) => `${path} ${message}`)

describe('a contract that asks for what came before', () => {
  const policy = policyOf(LABEL, AFTER)
  const decide = (past?: ReadonlySet<string>, envelope = mail) => decidePre(policy, envelope, counters(past)).action

  test('looks at no call of a session in which nothing of it has come', () => {
    expect(decide(NO_PAST)).toBe('allow')
    expect(decide(marksOfPast({ labels: ['other'], tools: ['fetch'] }))).toBe('allow')
  })

  test('looks at a call after any of the labels or of the tools', () => {
    expect(decide(marksOfPast({ labels: ['untrusted-input'] }))).toBe('pending_approval')
    expect(decide(marksOfPast({ tools: ['read_inbox'] }))).toBe('pending_approval')
  })

  test('still asks for its condition', () => {
    const home = createEnvelope('mail', { to: 'me@example.com' }, {})
    expect(decide(marksOfPast({ labels: ['untrusted-input'] }), home)).toBe('allow')
  })

  test('may do without a condition, and then fires for every call of its tool', () => {
    const { when: _, ...always } = AFTER
    const decision = decidePre(policyOf(always), mail, counters(marksOfPast({ tools: ['read_inbox'] })))
    expect(decision).toMatchObject({ action: 'pending_approval', decisionName: 'no-mail-after' })
  })

  test('cannot be judged where nobody read what came before: it fires', () => {
    expect(decidePre(policy, mail, counters())).toMatchObject({ action: 'pending_approval', policyError: true })
  })

  test('tells what is to be read, for its tools alone', () => {
    expect(policy.marksFor('mail')).toEqual(['label:untrusted-input', 'tool:read_inbox'])
    expect(policy.marksFor('fetch')).toEqual([])
  })
})

describe('a contract that labels', () => {
  const policy = policyOf(LABEL)

  test('changes nothing of what the tool returned, and is no failure', () => {
    const post = decidePost(policy, fetched, 'a page', true)
    expect(post).toMatchObject({
      marks: ['label:untrusted-input'],
      postconditionsPassed: true,
      warnings: [],
      replacement: null,
    })
    expect(post.contractsEvaluated).toMatchObject([
      { name: 'web-is-untrusted', passed: false, metadata: { label: 'untrusted-input' } },
    ])
  })

  test('labels also when the tool failed: what it said has been read', () => {
    expect(decidePost(policy, fetched, 'an error page', false).marks).toEqual(['label:untrusted-input'])
  })

  test('asks for its condition, and labels where that cannot be judged', () => {
    const some = policyOf({ ...LABEL, when: { 'output.text': { contains: '<html' } } })
    expect(decidePost(some, fetched, 'plain', true).marks).toEqual([])
    expect(decidePost(some, fetched, '<html>', true).marks).toEqual(['label:untrusted-input'])
    const odd = policyOf({ ...LABEL, when: { 'result.size': { contains: 'x' } } })
    expect(decidePost(odd, fetched, { size: 3 }, true).marks).toEqual(['label:untrusted-input'])
  })

  test('holds no stream back, and leaves its mark before the first piece', () => {
    const judge = judgeChunks(policy, fetched)
    expect(judge?.push('a piece')).toBe('a piece')
    expect(judge?.end().decision.marks).toEqual(['label:untrusted-input'])
    expect(marksBeforeReading(policy, fetched)).toEqual(['label:untrusted-input'])
    const byOutput = policyOf({ ...LABEL, when: { 'output.text': { contains: '<html' } } })
    expect(marksBeforeReading(byOutput, fetched)).toEqual(['label:untrusted-input'])
    const byArgument = policyOf({ ...LABEL, when: { 'args.url': { contains: 'intranet' } } })
    expect(marksBeforeReading(byArgument, fetched)).toEqual([])
  })
})

describe('contracts that only observe', () => {
  test('label for those alone that observe too', () => {
    const policy = policyOf({ ...LABEL, mode: 'observe' }, AFTER, { ...AFTER, id: 'watching', mode: 'observe' })
    const { marks } = decidePost(policy, fetched, 'a page', true)
    expect(marks).toEqual(['observed_label:untrusted-input'])
    const decision = decidePre(policy, mail, counters(new Set(marks)))
    expect(decision).toMatchObject({ action: 'allow', observed: true })
    expect(decision.contractsEvaluated.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['watching'])
  })

  test('see the labels of those in force', () => {
    const policy = policyOf(LABEL, { ...AFTER, mode: 'observe' })
    const { marks } = decidePost(policy, fetched, 'a page', true)
    expect(decidePre(policy, mail, counters(new Set(marks))).observed).toBe(true)
  })

  test('as candidates of another bundle, too', () => {
    const policy = loadPolicy([text([LABEL]), text([LABEL, AFTER], { observe_alongside: true })])
    const { marks } = decidePost(policy, fetched, 'a page', true)
    expect(marks).toEqual(['label:untrusted-input', 'observed_label:untrusted-input'])
    expect(policy.marksFor('mail')).toEqual([
      'label:untrusted-input',
      'observed_label:untrusted-input',
      'tool:read_inbox',
    ])
    const decision = decidePre(policy, mail, counters(new Set(marks)))
    expect(decision).toMatchObject({
      action: 'allow',
      observeResults: [{ name: 'no-mail-after:candidate', passed: false }],
    })
  })
})

describe('writing it', () => {
  test.each<[string, object[], string]>([
    [
      'no condition and no past',
      [{ ...AFTER, after: undefined, when: undefined }],
      "contracts[0].when Schema validation failed: contract 'no-mail-after': 'when' is required",
    ],
    ['an empty past', [{ ...AFTER, after: {} }], "at least one of 'after.labels' or 'after.tools' is required"],
    ['no label', [{ ...LABEL, then: { effect: 'label' } }], "'then.label' is required"],
    [
      'a label of another effect',
      [{ ...LABEL, when: { a: { exists: true } }, then: { effect: 'warn', message: 'm', label: 'x' } }],
      "'then.label' belongs to effect: label",
    ],
    ['no condition of another effect', [{ ...LABEL, then: { effect: 'warn', message: 'm' } }], "'when' is required"],
    [
      'no message of another effect',
      [{ ...LABEL, when: { a: { exists: true } }, then: { effect: 'warn' } }],
      "'then.message' is required",
    ],
    [
      'a label of other letters',
      [{ ...LABEL, then: { effect: 'label', label: 'Über:x' } }],
      "'then.label' must be small letters",
    ],
    [
      'a glob of tools',
      [{ ...AFTER, after: { tools: ['mcp_*'] } }],
      "'after.tools[0]' must be the exact name of a tool",
    ],
    [
      'a label before a call',
      [{ ...AFTER, then: { effect: 'label', message: 'm' } }],
      "'then.effect' must be 'deny' or 'approve'",
    ],
  ])('refuses %s', (_, contracts, says) => {
    expect(issuesOf(...(JSON.parse(JSON.stringify(contracts)) as object[])).join('\n')).toContain(says)
  })

  test('warns of a label that no contract puts', () => {
    const warned = checkBundle(text([LABEL, { ...AFTER, after: { labels: ['untrusted-inputs'] } }])).warnings
    expect(warned).toMatchObject([
      { code: 'label_never_put', path: 'contracts[1].after.labels[0]', hint: "did you mean 'untrusted-input'?" },
    ])
    expect(checkBundle(text([LABEL, AFTER])).warnings).toEqual([])
  })

  test('calls no contract shadowed by one that asks for more of the past', () => {
    const deny = { ...AFTER, then: { effect: 'deny', message: 'm' } }
    const codes = (...contracts: object[]) => checkBundle(text([LABEL, ...contracts])).warnings.map(({ code }) => code)
    const { after: _, ...always } = { ...deny, id: 'always' }
    expect(codes(deny, always)).toEqual([])
    expect(codes(always, deny)).toEqual(['shadowed'])
    expect(codes({ ...deny, id: 'narrow', after: { tools: ['read_inbox'] } }, deny)).toEqual([])
    expect(codes(deny, { ...deny, id: 'narrow', after: { tools: ['read_inbox'] } })).toEqual(['shadowed'])
  })

  test('names every published SDK line, for each such contract', () => {
    const yaml = text([LABEL, AFTER])
    const issues = readerIssues(yaml, loadBundle(yaml).document, offerRuleset(yaml))
    expect(issues.map(({ reader, code, path }) => [reader, code, path])).toEqual(
      ['contracts[0].then', 'contracts[1].after'].flatMap((path) =>
        ['python', 'typescript', 'go'].map((reader) => [reader, 'sequence_of_reader', path]),
      ),
    )
  })

  test('means the same in both vocabularies', () => {
    const yaml = text([LABEL, AFTER])
    for (const other of [offerRuleset(yaml), convertDocument(yaml, 'Ruleset')]) {
      const policy = loadPolicy(other)
      expect(decidePost(policy, fetched, 'a page', true).marks).toEqual(['label:untrusted-input'])
      expect(decidePre(policy, mail, counters(marksOfPast({ tools: ['read_inbox'] }))).action).toBe('pending_approval')
    }
  })
})

describe('trying it', () => {
  const policy = policyOf(LABEL, AFTER)

  test('a dry run begins a session of its own, or goes on where the author says', () => {
    expect(dryRun(policy, { toolName: 'mail', args: { to: 'x' } })).toMatchObject({
      verdict: 'allow',
      policyError: false,
    })
    const after = { labels: ['untrusted-input'] }
    expect(dryRun(policy, { toolName: 'mail', args: { to: 'x' }, after })).toMatchObject({ verdict: 'deny' })
  })

  test('a dry run tells the labels that an output would leave, and takes them for no warning', () => {
    const result = dryRun(policy, { toolName: 'fetch', output: 'a page' })
    expect(result).toMatchObject({ verdict: 'allow', labels: ['untrusted-input'], warnReasons: [] })
  })

  test('an explanation tells what was asked for, what of it was found, and what is put', () => {
    const { contracts } = explain(policy, mail, counters(marksOfPast({ tools: ['read_inbox', 'x'] })))
    expect(contracts).toMatchObject([
      {
        id: 'no-mail-after',
        fired: true,
        after: {
          asked: { labels: ['untrusted-input'], tools: ['read_inbox'] },
          found: { labels: [], tools: ['read_inbox'] },
        },
      },
    ])
    expect(explain(policy, fetched, counters(NO_PAST), {}, 'page').contracts).toMatchObject([
      { label: 'untrusted-input' },
    ])
  })
})
