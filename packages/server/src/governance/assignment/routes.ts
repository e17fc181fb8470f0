import Type from 'typebox'
import { canonicalUuid, failures, Id, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { Rules } from './rules.ts'
import type { StoredRule } from './store.ts'

const tags = { tags: ['assignment'] }
const ById = Type.Object({ rule_id: Type.String({ format: 'uuid' }) })
const TagMatch = Type.Record(Type.String(), Type.Unknown())

const Priority = Type.Integer({ minimum: 0, maximum: 2_147_483_647, description: 'The lowest is tried first.' })
/** Of which characters it may be is judged by the rules, NUL as well: another answer than the schema's. */
const Pattern = Type.Unsafe<string>({
  type: ['string'],
  minLength: 1,
  maxLength: 200,
  description: 'Glob over agent ids.',
})
const BundleName = Type.String({ minLength: 1, maxLength: 128 })
const Env = Type.String({ minLength: 1, maxLength: 64 })

const Rule = Type.Object({
  id: Id,
  priority: Type.Integer(),
  pattern: Type.String(),
  tag_match: Nullable(TagMatch),
  bundle_name: Type.String(),
  env: Type.String(),
  created_at: Instant,
})

const wireRule = (rule: StoredRule) => ({
  id: rule.id,
  priority: rule.priority,
  pattern: rule.pattern,
  tag_match: rule.tagMatch === null ? null : { ...rule.tagMatch },
  bundle_name: rule.bundleName,
  env: rule.env,
  created_at: toWireTime(rule.createdAt),
})

/** The rules that give agents their bundles. */
export function assignmentRoutes(app: App, { rules }: { rules: Rules }): void {
  const config = { access: 'dashboard', scope: 'tenant' } as const

  app.get(
    '/api/v1/assignment-rules',
    {
      config,
      schema: {
        ...tags,
        summary: 'List assignment rules by priority',
        response: { 200: Type.Array(Rule), ...failures(401) },
      },
    },
    async (request) => (await rules.list(userOf(request))).map(wireRule),
  )

  app.post(
    '/api/v1/assignment-rules',
    {
      config,
      schema: {
        ...tags,
        summary: 'Create an assignment rule',
        body: Type.Object({
          priority: Priority,
          pattern: Pattern,
          tag_match: Maybe(TagMatch),
          bundle_name: BundleName,
          env: Env,
        }),
        response: { 201: Rule, ...failures(400, 401, 403, 409, 422) },
      },
    },
    async (request, reply) => {
      const { priority, pattern, tag_match, bundle_name, env } = request.body
      const input = { priority, pattern, tagMatch: tag_match ?? null, bundleName: bundle_name, env }
      return reply.code(201).send(wireRule(await rules.create(userOf(request), input)))
    },
  )

  app.patch(
    '/api/v1/assignment-rules/:rule_id',
    {
      config,
      schema: {
        ...tags,
        summary: 'Change an assignment rule',
        description: 'Null or absent leaves a field as it is.',
        params: ById,
        body: Type.Object({
          priority: Maybe(Priority),
          pattern: Maybe(Pattern),
          tag_match: Maybe(TagMatch),
          bundle_name: Maybe(BundleName),
          env: Maybe(Env),
        }),
        response: { 200: Rule, ...failures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      const { priority, pattern, tag_match, bundle_name, env } = request.body
      return wireRule(
        await rules.update(userOf(request), canonicalUuid(request.params.rule_id), {
          priority: priority ?? undefined,
          pattern: pattern ?? undefined,
          tagMatch: tag_match ?? undefined,
          bundleName: bundle_name ?? undefined,
          env: env ?? undefined,
        }),
      )
    },
  )

  app.delete(
    '/api/v1/assignment-rules/:rule_id',
    {
      config,
      schema: {
        ...tags,
        summary: 'Delete an assignment rule',
        params: ById,
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await rules.remove(userOf(request), canonicalUuid(request.params.rule_id))
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/v1/assignment-rules/resolve/:agent_id',
    {
      config,
      schema: {
        ...tags,
        summary: 'Which bundle an agent would run, and why',
        params: Type.Object({ agent_id: Type.String() }),
        querystring: Type.Object({ env: Type.Optional(Type.String({ maxLength: 64 })) }),
        response: {
          200: Type.Object({
            bundle_name: Nullable(Type.String()),
            source: Type.Enum(['explicit', 'rule', 'agent_provided', 'none']),
            rule_id: Nullable(Type.String()),
            rule_pattern: Nullable(Type.String()),
          }),
          ...failures(401, 422),
        },
      },
    },
    async (request) => {
      const resolved = await rules.resolve(userOf(request), request.params.agent_id, request.query.env || null)
      return {
        bundle_name: resolved.bundleName,
        source: resolved.source,
        rule_id: resolved.source === 'rule' ? resolved.ruleId : null,
        rule_pattern: resolved.source === 'rule' ? resolved.rulePattern : null,
      }
    },
  )
}
