import Type from 'typebox'
import { onceOf } from '../../changes/idempotency/idempotency.ts'
import { DomainError } from '../../errors.ts'
import { canonicalUuid, failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { environments } from '../../identity/keys.ts'
import type { Clock } from '../../ports/clock.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { AgentId, BundleName, BundleVersion, DeploymentId, PolicyVersion, RevisionHash } from '../fields.ts'
import type { Replay } from '../replay/replay.ts'
import { ReplayBody, USUAL_EVENTS, wireReplay } from '../replay/routes.ts'
import { sinceOf } from '../since.ts'
import type { Deployments } from './deployments.ts'
import type { Rollouts } from './rollouts.ts'
import type { Deployment } from './store.ts'

const tags = { tags: ['deployments'] }

const DeploymentBody = {
  id: Type.String(),
  env: Type.String(),
  bundle_name: BundleName,
  bundle_version: BundleVersion,
  deployed_by: Type.String({ description: 'E-mail address of who deployed it.' }),
  created_at: Instant,
}

const Progress = {
  agents: Type.Integer({ description: 'Agents of the environment that run this bundle, seen within a day.' }),
  current: Type.Integer({ description: 'Of these, the ones that reported this version.' }),
}

const wireDeployment = (deployment: Deployment) => ({
  id: deployment.id,
  env: deployment.env,
  bundle_name: deployment.bundleName,
  bundle_version: deployment.bundleVersion,
  deployed_by: deployment.deployedBy,
  created_at: toWireTime(deployment.createdAt),
})

/** Deployments, and how far each has reached. */
export function deploymentRoutes(
  app: App,
  deps: { deployments: Deployments; rollouts: Rollouts; replay: Replay; clock: Clock },
): void {
  const { deployments, rollouts, replay, clock } = deps
  app.post(
    '/api/v1/bundles/:name/:version/deploy',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Deploy a bundle version',
        description:
          'Signs the version when needed and sends it to every connected agent of the environment that runs it. Repetitions with one `Idempotency-Key` make one deployment, for 24 hours; their replay is made anew.',
        params: Type.Object({ name: Type.String({ maxLength: 1024 }), version: Type.Integer({ minimum: 0 }) }),
        querystring: Type.Object({
          replay: Type.Boolean({
            default: false,
            description: 'Also tell which recorded calls of the last day the version decides differently.',
          }),
        }),
        body: Type.Object({ env: Type.Enum([...environments]) }),
        response: {
          201: Type.Object({
            ...DeploymentBody,
            replay: Maybe(ReplayBody),
            replay_problem: Maybe(Type.String({ description: 'Why there is no replay. The deployment is made.' })),
          }),
          ...failures(401, 403, 422),
        },
      },
    },
    async (request, reply) => {
      const { name, version } = request.params
      const { env } = request.body
      const caller = userOf(request)
      const once = onceOf(request, caller)
      const deployment = wireDeployment(await deployments.deploy(caller, name, version, env, once))
      if (!request.query.replay) return reply.code(201).send(deployment)
      const range = { env, since: sinceOf(undefined, clock.now()), limit: USUAL_EVENTS }
      const outcome = await replay(caller, name, version, range).then(
        (replayed) => ({ replay: wireReplay(range, replayed), replay_problem: null }),
        (error: unknown) => {
          // The deployment is made, whatever became of the replay.
          if (error instanceof DomainError) return { replay: null, replay_problem: error.message }
          throw error
        },
      )
      return reply.code(201).send({ ...deployment, ...outcome })
    },
  )

  app.get(
    '/api/v1/deployments',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List deployments, newest first',
        querystring: Type.Object({
          env: Type.Optional(Type.String()),
          bundle_name: Type.Optional(BundleName),
          limit: Type.Integer({
            minimum: 1,
            maximum: 200,
            default: 50,
            description: 'How many to answer with at most.',
          }),
        }),
        response: {
          200: Type.Array(
            Type.Object({
              ...DeploymentBody,
              rollout: Nullable(Type.Object(Progress, { description: 'Null once another deployment took its place.' })),
            }),
          ),
          ...failures(401, 422),
        },
      },
    },
    async (request) => {
      const { env, bundle_name, limit } = request.query
      const caller = userOf(request)
      const [rows, progress] = await Promise.all([
        deployments.list(caller, { env, bundleName: bundle_name, limit }),
        rollouts.ofCurrent(caller),
      ])
      return rows.map((row) => {
        const reached = progress.get(row.id)
        return {
          ...wireDeployment(row),
          rollout: reached ? { agents: reached.total, current: reached.current } : null,
        }
      })
    },
  )

  app.get(
    '/api/v1/deployments/:id/rollout',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Which agents run a deployed version',
        description:
          'An agent acknowledges a version by the policy_version it reports, in its events or when it connects.',
        params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
        response: {
          200: Type.Object({
            deployment_id: DeploymentId,
            env: Type.String(),
            bundle_name: BundleName,
            bundle_version: BundleVersion,
            revision_hash: Nullable(RevisionHash),
            is_current: Type.Boolean({ description: 'False once another deployment took its place.' }),
            ...Progress,
            summary: Type.String({ examples: ['41 of 42 agents run version 7'] }),
            by_agent: Type.Array(
              Type.Object({
                agent_id: AgentId,
                status: Type.Enum(['current', 'drift', 'unknown']),
                policy_version: Nullable(PolicyVersion),
                last_seen_at: Nullable(Instant),
              }),
            ),
          }),
          ...failures(401, 404, 422),
        },
      },
    },
    async (request) => {
      const rollout = await rollouts.of(userOf(request), canonicalUuid(request.params.id))
      const { deployment, total, current } = rollout
      return {
        deployment_id: deployment.id,
        env: deployment.env,
        bundle_name: deployment.bundleName,
        bundle_version: deployment.bundleVersion,
        revision_hash: rollout.revisionHash,
        is_current: rollout.isCurrent,
        agents: total,
        current,
        summary: `${current} of ${total} ${total === 1 ? 'agent runs' : 'agents run'} version ${deployment.bundleVersion}`,
        by_agent: rollout.agents.map((agent) => ({
          agent_id: agent.agentId,
          status: agent.status,
          policy_version: agent.policyVersion,
          last_seen_at: toWireTimeOrNull(agent.lastSeenAt),
        })),
      }
    },
  )
}
