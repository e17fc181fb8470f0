import { decidePost } from '../decide/post.ts'
import { decidePre } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { ToolRegistry } from '../envelope/registry.ts'
import { EdictumConfigError } from '../errors.ts'
import { loadDocument } from '../load/index.ts'
import { compilePolicy } from '../policy/compile.ts'
import type { Policy } from '../policy/policy.ts'
import type { ContractRecord, Envelope, PreDecision } from '../types.ts'
import { resolveExtends } from './extends.ts'
import { type Mismatch, mismatch } from './result.ts'
import { asMapping, asNumber, asText, isMapping, type Mapping, unknownKey } from './values.ts'

const CASE_KEYS = [
  'id',
  'description',
  'contract',
  'envelope',
  'session',
  'result',
  'environment',
  'principal',
  'call_metadata',
  'approval_decision',
  'timeout_expired',
  'approval_pending',
  'expected',
]
const EXPECTATIONS = ['verdict', 'message_contains', 'audit_action', 'tags']
const VERDICTS = ['allowed', 'denied', 'warned', 'redacted', 'error']

/** What became of the call. */
interface Outcome {
  readonly verdict: string
  readonly message: string
  readonly observed: boolean
  readonly tags: readonly unknown[]
}

/** A behavioural or adversarial case. `rulesets` are the named documents of an `extends` suite. */
export function runBehaviourCase(fixture: Mapping, rulesets: Mapping): Mismatch {
  const stray = unknownKey(fixture, CASE_KEYS)
  if (stray !== null) return mismatch('a known key', `unknown key '${stray}'`)
  const expected = asMapping(fixture.expected)
  const strange = unknownKey(expected, EXPECTATIONS)
  if (strange !== null) return mismatch('a known expectation', `unknown expectation '${strange}'`)
  if (!VERDICTS.includes(String(expected.verdict))) return mismatch(`verdict: ${VERDICTS.join(', ')}`, expected.verdict)
  let outcome: Outcome
  try {
    outcome = judge(fixture, rulesets)
  } catch (error) {
    // A tool name no call can have stops the call before any contract: every outcome without a crash is right.
    if (error instanceof EdictumConfigError && error.code === 'tool_name') return null
    if (expected.verdict === 'error') return null
    return mismatch(expected, error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  }
  return compare(expected, outcome)
}

function compare(expected: Mapping, outcome: Outcome): Mismatch {
  if (outcome.verdict !== expected.verdict) return mismatch(expected.verdict, `${outcome.verdict} (${outcome.message})`)
  const { message_contains: needle, audit_action: action, tags } = expected
  if (needle !== undefined && needle !== null && !outcome.message.includes(String(needle))) {
    return mismatch(`a message that contains '${needle}'`, outcome.message)
  }
  if (action !== undefined && action !== null) {
    if (action !== 'observed') return mismatch('audit_action: observed', `unknown audit_action '${String(action)}'`)
    if (!outcome.observed) return mismatch('an observed contract', 'none was observed')
  }
  if (Array.isArray(tags)) {
    const missing = tags.filter((tag) => !outcome.tags.includes(tag))
    if (missing.length > 0) return mismatch({ tags }, { tags: outcome.tags })
  }
  return null
}

function judge(fixture: Mapping, rulesets: Mapping): Outcome {
  const contract = fixture.contract
  const document = loadDocument(typeof contract === 'string' ? resolveExtends(contract, rulesets) : contract)
  const policy = compilePolicy(document, { version: 'fixture' })
  const call = asMapping(fixture.envelope)
  const who = isMapping(fixture.principal) ? fixture.principal : null
  const envelope = createEnvelope(call.tool_name as string, asMapping(call.arguments), {
    registry: new ToolRegistry(policy.tools),
    metadata: asMapping(fixture.call_metadata),
    principal: who === null ? null : { ...who, userId: asText(who.id ?? who.user_id) },
  })
  const context = { env: asMapping(fixture.environment) as Readonly<Record<string, string>> }
  const decision = decidePre(policy, envelope, countersOf(fixture, envelope), context)
  return ranInto(fixture, policy, decision) ?? afterwards(fixture, policy, envelope, decision)
}

/** Counters as the check sees them: the call's own attempt is counted already. */
function countersOf(fixture: Mapping, envelope: Envelope) {
  const session = asMapping(fixture.session)
  const perTool = asMapping(session.per_tool)
  return {
    attempts: asNumber(session.attempts, 1),
    executions: asNumber(session.tool_calls, 0),
    toolExecutions: Object.hasOwn(perTool, envelope.toolName) ? asNumber(perTool[envelope.toolName], 0) : 0,
  }
}

/** The denial the call ran into, or null when it may run. */
function ranInto(fixture: Mapping, policy: Policy, decision: PreDecision): Outcome | null {
  const records = decision.contractsEvaluated
  const deciding = records.findLast((record) => record.name === decision.decisionName)
  const denied: Outcome = {
    verdict: 'denied',
    message: decision.reason ?? '',
    observed: records.some((record) => record.observed === true),
    tags: tagsOf(deciding),
  }
  if (decision.action === 'deny')
    return policy.defaultMode === 'observe' ? { ...denied, verdict: 'allowed', observed: true } : denied
  if (decision.action === 'allow' || isApproved(fixture, decision)) return null
  return denied
}

function isApproved(fixture: Mapping, decision: PreDecision): boolean {
  if (fixture.approval_pending === true) return false
  if (fixture.timeout_expired === true) return decision.approvalTimeoutEffect === 'allow'
  return fixture.approval_decision !== 'rejected'
}

const POST_VERDICTS = { warn: 'warned', redact: 'redacted', deny: 'denied', label: 'allowed' } as const

/** The verdict of a call that ran: its first fired post contract by its declared effect, whatever the tool's side effect. */
function afterwards(fixture: Mapping, policy: Policy, envelope: Envelope, decision: PreDecision): Outcome {
  const records = [...decision.contractsEvaluated]
  let fired: ContractRecord | undefined
  if (fixture.result !== null && fixture.result !== undefined) {
    const post = decidePost(policy, envelope, fixture.result, true).contractsEvaluated
    records.push(...post)
    fired = post.find((record) => !record.passed && !record.observed)
  }
  const observed = decision.observed || records.some((record) => record.observed === true && !record.passed)
  if (fired === undefined)
    return { verdict: 'allowed', message: '', observed, tags: tagsOf(records.find((r) => !r.passed)) }
  const contract = policy.contracts.find(({ id, type }) => id === fired.name && type === 'post')
  const verdict = contract?.type === 'post' ? POST_VERDICTS[contract.effect] : 'warned'
  return { verdict, message: fired.message ?? '', observed, tags: tagsOf(fired) }
}

function tagsOf(record: ContractRecord | undefined): readonly unknown[] {
  const tags = record?.metadata?.tags
  return Array.isArray(tags) ? tags : []
}
