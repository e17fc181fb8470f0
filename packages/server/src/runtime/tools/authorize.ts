import { EdictumDenied } from '@lictor/guard'
import { Unavailable } from '../../errors.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { Capability } from '../contexts/security-contexts.ts'
import { PathRefused } from '../files/path.ts'
import { BundleUnusable, type GovernedCall } from '../judging/execution-guard.ts'
import { draft } from '../record/events.ts'
import { isOperator, isTenantName } from '../visibility.ts'
import { type PreparedCall, prepareCall, readArguments, requireShape, VariablesRefused } from './arguments.ts'
import type { Catalogue } from './catalogue.ts'
import type { InvocationContext } from './invocations.ts'
import { contextOffers, judgeByContext, type Violation } from './judge-by-context.ts'
import { asRecord } from './telling.ts'
import { BadArguments, NotRouted, type Tool, ToolFailed } from './tool.ts'

/** Why a call was not made, or came to nothing. */
export type CallFailure =
  /** By the security context, the manifest, the tenant, a limit or a judge; `retryAfter` in whole seconds. */
  | { readonly kind: 'violation'; readonly violation: Violation; readonly retryAfter: number | null }
  /** By the assigned contracts, or a person whom they asked. */
  | { readonly kind: 'denied'; readonly details: string }
  /** `status`: what it is in an HTTP answer; null where the tool ran and failed. */
  | { readonly kind: 'failed'; readonly status: number | null }

/** A call that ends here. */
export class Refused extends Error {
  readonly failure: CallFailure
  /** What the model, or the client, is told. */
  readonly told: string
  constructor(told: string, failure: CallFailure) {
    super(told)
    this.told = told
    this.failure = failure
  }
}

export const violating = (told: string, violation: Violation, retryAfter: number | null = null): Refused =>
  new Refused(told, { kind: 'violation', violation, retryAfter })

/** A call as it came. */
export interface CallFacts {
  readonly callId: string
  readonly name: string
  readonly raw: unknown
  readonly index: number
  /** The questions that it asked people before an earlier server was interrupted; null or left out for a call that begins. */
  readonly asked?: readonly string[] | null
}

/** A call that everything allowed. */
export interface Authorized extends PreparedCall {
  readonly tool: Tool
  readonly governed: GovernedCall
  readonly capability: Capability
}

type Refuse = (violation: Violation, told?: string, retryAfter?: number | null) => Promise<never>

/** Everything that must hold before a tool runs, in one order; the first that does not hold ends the call. */
export type Authorize = (context: InvocationContext, facts: CallFacts) => Promise<Authorized>

/** @returns a function that throws Refused, ToolFailed for arguments and names that are none, and nothing else that is the call's */
export function createAuthorize(deps: {
  catalogue: Pick<Catalogue, 'find'>
  limiter: RateLimiter
  /** Short name of a tenant, by which calls name it as well. */
  slugOf: (tenantId: string) => Promise<string>
}): Authorize {
  const { catalogue, limiter, slugOf } = deps

  return async (context, { callId, name, raw, index, asked: questions }) => {
    const { securityContext, toolNames } = context
    const asked = { callId, toolName: name, args: asRecord(raw), callIndex: index, asked: questions ?? null }
    const refuse: Refuse = async (violation, told, retryAfter = null) => {
      await context.guard.refused(asked, {
        source: violation.kind === 'JudgeRefused' ? 'tool_judge' : 'security_context',
        name: violation.kind,
        reason: violation.details,
      })
      throw violating(told ?? `Tool '${name}' is not available. Do not retry this tool.`, violation, retryAfter)
    }
    const tool = catalogue.find(name)
    const canonical = tool?.name ?? name
    // A session learns what a tool takes only where its context could allow the tool at all.
    if (toolNames === null && !contextOffers(securityContext, canonical)) {
      const verdict = judgeByContext(securityContext, { name: canonical, arguments: {} }, {})
      if (!verdict.allowed) return refuse(verdict.violation)
    }
    const sent = readArguments(name, tool, raw, securityContext.name)
    const shaped = tool === null ? sent.args : requireShape(tool, sent.args)
    if (toolNames !== null && !toolNames.includes(name))
      return refuse({ kind: 'ToolNotAllowed', details: `Tool '${name}' is not among the tools of the manifest.` })
    await requireOwnTenant(context, sent.tenants, slugOf, refuse)
    if (tool === null) throw new NotRouted(`there is no tool '${name}' on this server.`)
    const resolved = await prepare(context, tool, shaped, refuse)
    const implied = await tool.implied?.find(context.caller, resolved.args)
    const prepared = { ...resolved, args: { ...resolved.args, ...implied } }
    const verdict = judgeByContext(securityContext, tool, prepared.args)
    if (!verdict.allowed) return refuse(verdict.violation)
    const { capability } = verdict
    await requireRight(context, tool, refuse)
    await requireWithinLimits(context, tool.name, capability, refuse)
    if (tool.isSubjectToJudges && context.judge !== null) {
      const judged = await context.judge({ tool, args: prepared.args })
      if (!judged.accepted) {
        const told = `Tool execution error: a judge of this agent's tools refused the call: ${judged.reason}`
        return refuse({ kind: 'JudgeRefused', details: judged.reason }, told)
      }
    }
    if (sent.edgeTarget !== undefined)
      throw new ToolFailed('There are no edge nodes connected to this server; leave out the argument "target".', 404)
    return { tool, capability, ...(await govern(context, asked, prepared)) }
  }

  async function requireWithinLimits(
    context: InvocationContext,
    name: string,
    { rateLimit, toolPattern }: Capability,
    refuse: Refuse,
  ): Promise<void> {
    const uncounted: Violation = {
      kind: 'RateLimitExceeded',
      details: 'The calls of this tool cannot be counted now. Try again later.',
    }
    if (rateLimit) {
      const { calls, perSeconds } = rateLimit
      const key = `tool:${context.limitKey}:${toolPattern}`
      const verdict = await counted(() => limiter.hit(key, calls, perSeconds))
      if (verdict === null) return refuse(uncounted)
      if (!verdict.allowed) {
        const details = `At most ${calls} calls in ${perSeconds} seconds.`
        return refuse({ kind: 'RateLimitExceeded', details }, undefined, verdict.retryAfter)
      }
    }
    const { limit } = context
    if (limit === null) return
    const verdict = await counted(() => limit(name))
    if (verdict === null) return refuse(uncounted)
    if (verdict.allowed) return
    const details = `The limit of calls of '${name}' is reached; it opens again in ${verdict.retryAfter} seconds.`
    return refuse({ kind: 'RateLimitExceeded', details }, details, verdict.retryAfter)
  }
}

/** Null where the counters cannot be read or written: nobody is let through uncounted. */
async function counted<T>(count: () => Promise<T>): Promise<T | null> {
  try {
    return await count()
  } catch (error) {
    if (error instanceof Unavailable) return null
    throw error
  }
}

/** A tenant among the arguments, by id or short name, is the caller's own; it never widens what a call sees. */
async function requireOwnTenant(
  { caller }: InvocationContext,
  tenants: readonly unknown[],
  slugOf: (tenantId: string) => Promise<string>,
  refuse: Refuse,
): Promise<void> {
  if (!tenants.every((named) => typeof named === 'string' && isTenantName(named)))
    throw new BadArguments("'tenant_id' must be the id or the short name of a tenant, as text.")
  const others = tenants.filter((named) => named !== caller.tenantId)
  if (others.length === 0) return
  const slug = await slugOf(caller.tenantId)
  const foreign = others.find((named) => named !== slug)
  if (foreign === undefined) return
  const { principal } = caller
  const mayDelegate =
    principal.kind === 'token' && (principal.identity === 'operator' || principal.identity === 'service_account')
  // Operators and service accounts of this server belong to one tenant as well: naming another is a mistake, and no attack.
  if (mayDelegate)
    throw new ToolFailed(
      `tenant_id: calls of this account act within its own tenant; '${String(foreign)}' is another.`,
      403,
    )
  return refuse({ kind: 'TenantMismatch', details: `The call names a tenant that is not the caller's own.` })
}

/** What the HTTP route that does the same demands of a token. */
async function requireRight({ caller }: InvocationContext, tool: Tool, refuse: Refuse): Promise<void> {
  const { principal } = caller
  if (tool.isForOperators && !isOperator(principal))
    return refuse({ kind: 'ToolNotAllowed', details: `Tool '${tool.name}' is for operators of this server.` })
  if (tool.requires === undefined || principal.kind !== 'token' || principal.scopes.has(tool.requires)) return
  const details = `Tool '${tool.name}' takes the scope '${tool.requires}', which the caller lacks.`
  return refuse({ kind: 'ToolNotAllowed', details })
}

async function prepare(
  context: InvocationContext,
  tool: Tool,
  args: Record<string, unknown>,
  refuse: Refuse,
): Promise<PreparedCall> {
  try {
    return await prepareCall(tool, args, context.files)
  } catch (error) {
    if (error instanceof VariablesRefused)
      return refuse({ kind: 'VariableNotAllowed', details: error.message }, `Denied: ${error.message}`)
    if (!(error instanceof PathRefused)) throw error
    await reportTraversal(context, error)
    const violation = violationOf(error)
    return error.problem === 'policy' ? refuse(violation, `Denied: ${error.message}`) : refuse(violation)
  }
}

/** May it now: the assigned contracts, and a person where they say so. */
export async function govern(
  context: InvocationContext,
  asked: { callId: string; toolName: string; callIndex: number },
  { args, paths }: PreparedCall,
): Promise<PreparedCall & { readonly governed: GovernedCall }> {
  try {
    const governed = await context.guard.begin({ ...asked, args })
    await governed.authorize()
    return { args: governed.envelope.args as Readonly<Record<string, unknown>>, paths, governed }
  } catch (error) {
    if (error instanceof EdictumDenied) {
      const source = error.decisionName ?? error.decisionSource ?? 'contract'
      const details = `${source}: ${error.reason ?? ''}`
      throw new Refused(`Denied: ${error.reason ?? 'by contract'}`, { kind: 'denied', details })
    }
    if (error instanceof BundleUnusable)
      throw new Refused(`Denied: ${error.message}`, { kind: 'denied', details: error.message })
    throw error
  }
}

export async function reportTraversal(
  context: Pick<InvocationContext, 'record' | 'files'>,
  refusal: PathRefused,
): Promise<void> {
  const { problem, path } = refusal
  await context.files?.refused?.(refusal)
  if (problem === 'traversal' || problem === 'outside' || problem === 'changed')
    await context.record([draft('path_traversal_blocked', { attempted_path: path })])
}

export const violationOf = ({ problem, message }: PathRefused): Violation => ({
  kind: problem === 'traversal' ? 'PathTraversalAttempt' : 'PathOutsideBoundary',
  details: message,
})
