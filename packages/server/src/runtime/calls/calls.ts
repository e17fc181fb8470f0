import type { Journal, JournalSubject } from '../../changes/journal/journal.ts'
import type { TokenCaller, UserCaller } from '../../identity/caller.ts'
import type { Environment } from '../../identity/keys.ts'
import type { Random } from '../../ports/random.ts'
import type { RateVerdict } from '../../ports/rate-limiter.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import { WORKSPACE } from '../files/path.ts'
import type { ExecutionGuards } from '../judging/execution-guard.ts'
import type { Waiting } from '../judging/human.ts'
import { planOf } from '../plan/plan.ts'
import { eventTypes } from '../record/event-types.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { type Execution, governedAs } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { CallFiles } from '../tools/arguments.ts'
import type { Catalogue } from '../tools/catalogue.ts'
import type { CallOutcome, Invocations, ToolJudge } from '../tools/invocations.ts'
import { contextOffers } from '../tools/judge-by-context.ts'
import { judgedTool } from '../tools/tool.ts'

/** Questions that one call may ask people: it is judged anew after each answer, by contracts that may ask another one. */
const MOST_QUESTIONS = 20

/** Whoever calls tools from outside of a conversation of this server. */
export interface SessionCaller {
  readonly tenantId: string
  /** Whose rights tools that manage things act with. */
  readonly principal: TokenCaller | UserCaller
  /** What the contracts count over, and what the rate limits of the security context count by. */
  readonly sessionId: string
  readonly securityContext: SecurityContext
  /** The agent that the calls are of; null for a session without one, which the audit log knows by its principal. */
  readonly agent: { readonly id: string; readonly name: string; readonly env: Environment } | null
  /** The execution that the calls are of, with its workspace and its manifest; null for a session of its own. */
  readonly execution: Execution | null
  /** Files of a session of its own; those of an execution are its workspace. */
  readonly files?: CallFiles | null
  /** The session of SEAL it calls by, and what every event of the audit log says of that. */
  readonly seal?: { readonly sessionId: string; readonly audited: Readonly<Record<string, unknown>> }
  /** The limits of the caller's tier, by the tool's name; null: it has none. */
  readonly limit: ((tool: string) => Promise<RateVerdict>) | null
  /** Judges that the manifest sets over its tools; null: it sets none, or there is no agent. */
  readonly judge: ToolJudge | null
  /** Fires when the caller has gone. */
  readonly signal: AbortSignal
}

/** Calls from outside of a conversation, by the same order as those within one. */
export interface Calls {
  /** @throws ToolFatal where a setting of this server is missing */
  invoke(caller: SessionCaller, call: { readonly name: string; readonly arguments: unknown }): Promise<CallOutcome>
}

export function createCalls(deps: {
  invocations: Pick<Invocations, 'invoke'>
  catalogue: Pick<Catalogue, 'find'>
  guards: ExecutionGuards
  /** Of calls that belong to no execution. */
  journal: Journal<EventDraft>
  tenantEvents: Pick<TenantEvents, 'tell'>
  executionJournal: Pick<ExecutionJournal, 'record'>
  workspaceOf: (executionId: string) => string
  /** Wait for somebody without keeping the place that an execution has. */
  lendPlace: <T>(executionId: string, work: () => Promise<T>) => Promise<T>
  random: Random
}): Calls {
  const { invocations, catalogue, guards, journal, tenantEvents, executionJournal, random } = deps

  return {
    async invoke(caller, call) {
      const { tenantId, principal, execution, securityContext, signal } = caller
      const callId = random.uuid()
      const agentId = caller.agent?.id ?? execution?.agentId ?? null
      const subject: JournalSubject =
        execution === null
          ? { kind: 'call', id: callId, tenantId, agentId }
          : { kind: 'execution', id: execution.id, tenantId, agentId: execution.agentId }
      const record = async (events: readonly EventDraft[]): Promise<void> => {
        if (execution === null) {
          // The call has no stream that anybody follows: what it did to things of the tenant is told to the tenant.
          const done = events.filter(({ type }) => ofThings.has(eventTypes[type].category))
          const rest = events.filter((event) => !done.includes(event))
          if (rest.length > 0) await journal.record(subject, rest, async () => true)
          if (done.length > 0)
            await tenantEvents.tell({ tenantId, agentId, executionId: null }, async () => ({
              made: undefined,
              events: done,
            }))
        }
        // What happens to an execution that has ended is no part of its journal, and must not happen either.
        else if (!(await executionJournal.record(execution, events))) throw new Error('The execution has ended.')
      }
      const waiting: Waiting = (work) => (execution === null ? work() : deps.lendPlace(execution.id, work))
      const governed = execution === null ? null : governedAs(execution)
      const tool = catalogue.find(call.name)
      const guard = guards.open({
        askedBefore: [],
        agent: {
          tenantId,
          name: governed?.agentName ?? caller.agent?.name ?? actorName(principal),
          env: execution?.env ?? caller.agent?.env ?? 'production',
          subject,
          sessionId: governed?.executionId ?? caller.sessionId,
          ...(caller.seal ? { origin: caller.seal.audited } : {}),
        },
        securityContext: securityContext.name,
        tools: tool ? { [call.name]: judgedTool(tool) } : {},
        env: execution?.manifest.spec.env ?? {},
        maxQuestions: MOST_QUESTIONS,
        signal,
        waiting,
        watch: async (change, approval) => {
          const { id, toolName, message, contractName, timeoutSeconds, outcome } = approval
          await record([
            change === 'requested'
              ? draft('approval_requested', {
                  approval_id: id,
                  tool_name: toolName,
                  prompt: message,
                  contract_name: contractName,
                  timeout_seconds: timeoutSeconds,
                })
              : draft('approval_resolved', {
                  approval_id: id,
                  tool_name: toolName,
                  outcome: outcome.status,
                  decided_by: 'decidedBy' in outcome ? outcome.decidedBy : null,
                }),
          ])
        },
      })
      const plan = execution === null ? null : planOf(execution.manifest)
      return invocations.invoke(
        {
          caller: {
            tenantId,
            principal,
            executionId: execution?.id ?? null,
            agentId,
            ...(caller.seal ? { sealSessionId: caller.seal.sessionId } : {}),
            offers: (name) => contextOffers(securityContext, name),
          },
          toolNames: null,
          securityContext,
          limitKey: governed?.executionId ?? caller.sessionId,
          files:
            execution === null || plan === null
              ? (caller.files ?? null)
              : { root: deps.workspaceOf(execution.id), policy: plan.filePolicy, diskLimit: plan.disk },
          workspace: WORKSPACE,
          guard,
          signal,
          waiting,
          limit: caller.limit,
          judge: caller.judge,
          record,
          violated: () => {},
        },
        { callId, ...call },
      )
    },
  }
}

const ofThings: ReadonlySet<string> = new Set(['storage', 'git_repo', 'script', 'credential'])

const actorName = (principal: TokenCaller | UserCaller): string =>
  principal.kind === 'user' ? principal.email || principal.userId : principal.subject
