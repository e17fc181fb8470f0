import { decidePost } from '../decide/post.ts'
import { decidePre } from '../decide/pre.ts'
import type { BundleDocument, ContractDocument } from '../document.ts'
import { createEnvelope } from '../envelope/create.ts'
import { ToolRegistry } from '../envelope/registry.ts'
import { EdictumConfigError } from '../errors.ts'
import { compilePolicy } from '../policy/compile.ts'
import type { Policy } from '../policy/policy.ts'
import type { Envelope } from '../types.ts'
import { type Probe, probesOf } from './probes.ts'

/** How a call ends, from the most lenient to the strictest. */
const VERDICTS = ['allow', 'label', 'warn', 'redact', 'suppress', 'approve', 'deny'] as const

export interface Judgement {
  readonly verdict: (typeof VERDICTS)[number]
  readonly contractId: string | null
}

export interface Example {
  readonly probe: Probe
  readonly before: Judgement
  readonly after: Judgement
}

/** What a change to one contract does. `other`: to some calls this, to some that, or nothing that was found. */
export interface Effect {
  readonly change: 'loosened' | 'tightened' | 'other'
  /** A call that now ends more strictly, one that ends less strictly: those that were found. */
  readonly examples: readonly Example[]
}

/**
 * Compare two bundles in what one contract of theirs decides, by trying calls made of its literals on both. What is found
 * is true; that nothing is found does not prove that there is nothing.
 */
export class Comparison {
  readonly #before: BundleDocument
  readonly #after: BundleDocument
  readonly #policies: readonly [Policy, Policy]

  constructor(before: BundleDocument, after: BundleDocument) {
    this.#before = before
    this.#after = after
    this.#policies = [policyOf(before), policyOf(after)]
  }

  /** @param before null for a contract that was added, `after` null for one that was removed */
  effectOf(before: ContractDocument | null, after: ContractDocument | null): Effect {
    const probes = [before, after].flatMap((contract) => (contract === null ? [] : probesOf(contract)))
    const alone: [Policy, Policy] = [only(this.#before, before), only(this.#after, after)]
    const found = differences(probes, alone)
    // An example is worth most when the whole bundle decides it otherwise, not only the contract.
    const whole = differences(probes, this.#policies)
    const stricter = found.stricter && (whole.stricter ?? found.stricter)
    const laxer = found.laxer && (whole.laxer ?? found.laxer)
    const examples = [stricter, laxer].filter((example) => example !== null)
    if (stricter !== null && laxer === null) return { change: 'tightened', examples }
    if (laxer !== null && stricter === null) return { change: 'loosened', examples }
    return { change: 'other', examples }
  }
}

function differences(probes: readonly Probe[], [before, after]: readonly [Policy, Policy]) {
  let stricter: Example | null = null
  let laxer: Example | null = null
  for (const probe of probes) {
    const example = { probe, before: judge(before, probe), after: judge(after, probe) }
    const step = VERDICTS.indexOf(example.after.verdict) - VERDICTS.indexOf(example.before.verdict)
    if (step > 0) stricter ??= example
    if (step < 0) laxer ??= example
  }
  return { stricter, laxer }
}

function judge(policy: Policy, probe: Probe): Judgement {
  const envelope = envelopeOf(policy, probe)
  if (envelope === null) return { verdict: 'deny', contractId: null }
  const context = { env: probe.env }
  const { action, decisionName } = decidePre(policy, envelope, probe.counters, context)
  if (action !== 'allow') return { verdict: action === 'deny' ? 'deny' : 'approve', contractId: decisionName }
  if (probe.output === null) return { verdict: 'allow', contractId: null }
  const { contractsEvaluated } = decidePost(policy, envelope, probe.output, true, context)
  let strictest: Judgement = { verdict: 'allow', contractId: null }
  for (const { name, passed, observed } of contractsEvaluated) {
    if (passed || observed) continue
    const contract = policy.contracts.find(({ id, type }) => id === name && type === 'post')
    const effect = contract?.type === 'post' ? contract.effect : 'warn'
    const verdict = effect === 'deny' ? 'suppress' : effect
    if (VERDICTS.indexOf(verdict) > VERDICTS.indexOf(strictest.verdict)) strictest = { verdict, contractId: name }
  }
  return strictest
}

/** Null for a tool name that no call can have. */
function envelopeOf(policy: Policy, { tool, args, environment, principal, metadata }: Probe): Envelope | null {
  try {
    return createEnvelope(tool, args, { environment, principal, metadata, registry: new ToolRegistry(policy.tools) })
  } catch (error) {
    if (error instanceof EdictumConfigError) return null
    throw error
  }
}

function only(document: BundleDocument, contract: ContractDocument | null): Policy {
  return policyOf({ ...document, contracts: contract === null ? [] : [contract] })
}

/** Paths are compared as text: what the links of this machine say is no difference between bundles. */
function policyOf(document: BundleDocument): Policy {
  return compilePolicy(document, { version: '' })
}
