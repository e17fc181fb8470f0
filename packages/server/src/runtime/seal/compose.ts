import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { Ed25519Key } from '@lictor/seal'
import type { FastifyRequest } from 'fastify'
import type { Governance } from '../../governance/governance.ts'
import type { App } from '../../http/server.ts'
import type { TokenCaller } from '../../identity/caller.ts'
import type { TenantScope } from '../../identity/scope.ts'
import { scopesOfRole } from '../../identity/tokens/scopes.ts'
import type { Tokens } from '../../identity/tokens/tokens.ts'
import type { Shared } from '../../shared.ts'
import { createAccessAudit } from '../access-audit.ts'
import type { Agents } from '../agents/agents.ts'
import type { Calls } from '../calls/calls.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import type { Attempts } from '../dispatch/attempts.ts'
import type { Incidents } from '../incidents/incidents.ts'
import type { JudgeDesk } from '../judges/judges.ts'
import type { Waiting } from '../judging/human.ts'
import type { Limits } from '../limits/limits.ts'
import type { Masks } from '../masking/masks.ts'
import { planOf } from '../plan/plan.ts'
import type { Execution } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { sealControlRoutes } from '../seal-sessions/control-routes.ts'
import { createProvisioning } from '../seal-sessions/provisioning.ts'
import { createSecurityTokens } from '../seal-sessions/security-tokens.ts'
import type { SealSession } from '../seal-sessions/session.ts'
import { createSealSessions } from '../seal-sessions/sessions.ts'
import { createSealStore } from '../seal-sessions/store.ts'
import { createSealTelling } from '../seal-sessions/telling.ts'
import { createWorkloads } from '../seal-sessions/workloads.ts'
import type { Catalogue } from '../tools/catalogue.ts'
import type { ToolJudge } from '../tools/invocations.ts'
import { judgeCall } from '../validation/tool-judge.ts'
import { boundTo, createAttestation, patternsOf } from './attest.ts'
import { createDiscovery } from './discovery.ts'
import { createSealInvocations, type MakeCall } from './invoke.ts'
import { refusal } from './refusal.ts'
import { sealRoutes } from './routes.ts'
import { tierOf } from './tier.ts'

const SWEEP_MS = 60_000
/** Bytes that the files of a session of its own may take. */
const DISK_LIMIT = 1024 ** 3

/** Everything of SEAL, put together. */
export interface Seal {
  routes(app: App): void
  /** Routes of operators, among those of the runtime API. */
  controlRoutes(app: App): void
  /** A key and a session for an execution, as variables of its program's environment. Nothing of either is kept or shown. */
  identityOf(execution: Execution): Promise<Readonly<Record<string, string>>>
  /** The sessions of an execution end with it. */
  executionEnded(execution: Pick<Execution, 'id' | 'tenantId'>): Promise<void>
}

export function createSeal(
  deps: Shared & {
    tokens: Tokens
    keys: { standing(ids: readonly string[]): Promise<ReadonlyMap<string, TokenCaller>> }
    signedIn: (request: FastifyRequest) => Promise<{ readonly tenantId: string }>
    /** @throws Forbidden when the tenant is suspended or gone */
    requireActive: (scope: TenantScope) => Promise<void>
    events: Governance['events']
    attempts: Attempts
    executionStore: ExecutionStore
    agents: Agents
    contexts: SecurityContexts
    catalogue: Catalogue
    incidents: Incidents
    tenantEvents: TenantEvents
    judges: JudgeDesk
    limits: Pick<Limits, 'takeTool'>
    masks: Pick<Masks, 'add'>
    calls: Calls
    /** Wait for somebody without keeping the place that an execution has. */
    lendPlace: <T>(executionId: string, work: () => Promise<T>) => Promise<T>
    /** Names this server and its data folder. */
    owner: string
    /** Folder of a session that belongs to no execution. */
    filesOf: (tenantId: string, executionId: string) => string
  },
): Seal {
  const { config, tokens, calls, metrics, workers, owner, filesOf, attempts, random } = deps
  const store = createSealStore(deps.database)
  const securityTokens = createSecurityTokens({ ...deps, store })
  const telling = createSealTelling(deps)
  const sessions = createSealSessions({ ...deps, store, securityTokens, telling })
  const audit = createAccessAudit(deps)
  const workloads = createWorkloads({ ...deps, store, sessions })
  const discovery = createDiscovery(deps)
  const attestation = createAttestation({ ...deps, workloads, sessions, telling })
  const provisioning = createProvisioning({ ...deps, sessions })
  const baseUrl = config.baseUrl.replace(/\/+$/, '') || `http://${config.host}:${config.port}`

  async function standingOf(principal: string): Promise<TokenCaller | null> {
    if (!principal.startsWith('key:')) return tokens.standingOf(principal)
    const id = principal.slice('key:'.length)
    return (await deps.keys.standing([id])).get(id) ?? null
  }

  /** Whose rights the tools of a session act with: of the account that attested, as they are now; else of an ordinary user. */
  async function principalOf(session: SealSession): Promise<TokenCaller> {
    const isByAccount = session.principal !== null && !/^(workload|execution|operator):/.test(session.proof)
    const account = isByAccount && session.principal !== null ? await standingOf(session.principal) : null
    if (account && account.tenantId === session.tenantId) return account
    if (isByAccount) throw refusal('session_inactive', 'The account that attested is not in force any more.')
    return {
      kind: 'token',
      subject: session.workloadId ?? session.agentId,
      tenantId: session.tenantId,
      identity: 'tenant_user',
      role: 'user',
      scopes: new Set(scopesOfRole('user')),
    }
  }

  function ownFiles(session: SealSession) {
    const root = filesOf(session.tenantId, session.executionId)
    mkdirSync(root, { recursive: true, mode: 0o700 })
    return { root, policy: undefined, diskLimit: DISK_LIMIT }
  }

  const makeCall: MakeCall = async (session, { name, arguments: args, signature, signal }, execution) => {
    if (execution && execution.owner !== owner)
      throw refusal(
        'upstream_unavailable',
        'This execution, and its files, are on another server of this installation.',
      )
    return calls.invoke(
      {
        tenantId: session.tenantId,
        principal: await principalOf(session),
        sessionId: session.id,
        securityContext: session.securityContext,
        agent: { id: session.agentId, name: session.agentName, env: session.env },
        execution,
        files: execution ? null : ownFiles(session),
        seal: {
          sessionId: session.id,
          audited: {
            seal_session_id: session.id,
            execution_id: session.executionId,
            workload_id: session.workloadId,
            security_context: session.securityContext.name,
            // What proves later that exactly this was asked by the holder of the key.
            envelope_signature: signature,
          },
        },
        limit: (tool) =>
          deps.limits.takeTool(
            { tenantId: session.tenantId, userId: session.userId ?? session.agentId, agentId: session.agentId },
            tool,
            tierOf(session.zaruTier),
          ),
        judge: execution ? judgeOf(execution, signal) : null,
        signal,
      },
      { name, arguments: args },
    )
  }

  /** The judges that a manifest sets over its agent's tools, asked as in its conversation. */
  function judgeOf(execution: Execution, signal: AbortSignal): ToolJudge | null {
    const { toolJudges, tools } = planOf(execution.manifest)
    if (toolJudges.length === 0) return null
    return async ({ tool, args }) => {
      const last = (await deps.executionStore.listIterations(execution.id)).at(-1)
      // The program of the execution goes on meanwhile; the judge has its place, where there may be no other.
      const waiting: Waiting = (work) => deps.lendPlace(execution.id, work)
      const judges = deps.judges.open({ execution, iteration: last?.number ?? 1, waiting })
      const situation = {
        executionId: execution.id,
        call: `seal:${random.uuid()}`,
        task: execution.prompt,
        tools,
        history: last?.trajectory ?? [],
      }
      return judgeCall(toolJudges, { name: tool.name, args }, situation, judges, signal)
    }
  }

  async function identityOf(execution: Execution): Promise<Readonly<Record<string, string>>> {
    const seed = random.bytes(32)
    const key = Ed25519Key.fromSeed(seed)
    const { bound: securityContext, allowed: _, tools, ...of } = boundTo(execution)
    const { token } = await sessions.open({
      ...of,
      proof: `execution:${execution.id}`,
      publicKey: key.getPublicKeyBase64(),
      securityContext,
      allowedToolPatterns: patternsOf(tools, securityContext),
      principal: null,
      userId: null,
      workloadId: null,
      zaruTier: null,
      containerId: null,
      taskSummary: null,
    })
    const identity = {
      AEGIS_SEAL_ENABLED: 'true',
      AEGIS_SEAL_PRIVATE_KEY: Buffer.from(seed).toString('base64'),
      AEGIS_SEAL_TOKEN: token,
    }
    seed.fill(0)
    key.erase()
    deps.masks.add(execution.id, [identity.AEGIS_SEAL_PRIVATE_KEY, identity.AEGIS_SEAL_TOKEN])
    return identity
  }

  const invocations = createSealInvocations({ ...deps, sessions, securityTokens, discovery, makeCall, telling })

  workers.every('seal_sweep', SWEEP_MS, async () => {
    await securityTokens.sweep()
    for (const session of await sessions.sweep()) {
      // A workload's files stay with it; those of other sessions belong to nobody any more.
      if (session.proof.startsWith('none:'))
        rmSync(dirname(filesOf(session.tenantId, session.executionId)), { recursive: true, force: true })
    }
  })
  metrics.onRead(async () => metrics.sealSessionsActive.set(await sessions.countActive()))

  return {
    routes: (app) =>
      sealRoutes(app, {
        attestation,
        invocations,
        discovery,
        securityTokens,
        tokens,
        signedIn: deps.signedIn,
        async tenantOf(token) {
          const attempt = attempts.byToken(token)
          return attempt?.execution.tenantId ?? (await workloads.byToken(token))?.tenantId ?? null
        },
      }),
    controlRoutes: (app) =>
      sealControlRoutes(app, { sessions, provisioning, workloads, securityTokens, audit, baseUrl }),
    identityOf,
    executionEnded: ({ id, tenantId }) => sessions.revokeAll({ tenantId, executionId: id }, 'execution_ended'),
  }
}
