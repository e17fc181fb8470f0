import Type from 'typebox'
import { Unavailable } from '../../errors.ts'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { scopeOf } from '../../identity/scope.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { ListOf, listed, pageOf, runtimeCallerOf } from '../http.ts'
import type { Cortex, Skill } from './cortex.ts'
import type { Pattern } from './store.ts'

const tags = ['cortex']
const config = { access: 'bearer', scope: 'tenant', requires: 'execution:list' } as const
/** From this many patterns on, a skill is an advanced one. */
const ADVANCED = 5
const MOST_USED = 5

const Rate = Type.Number({ description: 'From 0 to 1.' })
const PatternShape = Type.Object({
  id: Type.String(),
  error_signature: Type.String({ description: 'The kind of the error, and how its text began.' }),
  error_signature_hash: Type.String(),
  error_type: Type.String(),
  error_message: Type.String(),
  solution: Type.String({ description: 'The same as solution_approach.' }),
  solution_approach: Type.String(),
  solution_code: Nullable(Type.String({ description: 'What the accepted attempt answered, at most 8 KiB.' })),
  success_rate: Rate,
  success_score: Type.Number({ description: 'Its weight, from 0 to 1: it rises with each success and fades unused.' }),
  frequency: Type.Integer({ description: 'How often it was learned.' }),
  success_count: Type.Integer(),
  total_count: Type.Integer(),
  created_at: Instant,
  last_used_at: Instant,
})
const SkillShape = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  category: Type.String(),
  level: Type.String({ description: '`intermediate`, or `advanced` from 5 patterns on.' }),
  capability_tags: Type.Array(Type.String()),
  patternCount: Type.Integer(),
  usageCount: Type.Integer(),
  successRate: Type.Number({ description: 'In percent.' }),
})

const rate = (success: number, total: number): number => (total === 0 ? 0 : success / total)
const shownPattern = (pattern: Pattern) => ({
  id: pattern.id,
  error_signature: `${pattern.errorType}: ${pattern.errorMessage.slice(0, 200)}`,
  error_signature_hash: pattern.errorSignature,
  error_type: pattern.errorType,
  error_message: pattern.errorMessage,
  solution: pattern.approach,
  solution_approach: pattern.approach,
  solution_code: pattern.solution,
  success_rate: rate(pattern.successCount, pattern.totalCount),
  success_score: pattern.weight,
  frequency: pattern.frequency,
  success_count: pattern.successCount,
  total_count: pattern.totalCount,
  created_at: toWireTime(pattern.createdAt),
  last_used_at: toWireTime(pattern.lastUsedAt),
})
const shownSkill = ({ type, patterns, uses, successRate }: Skill) => ({
  id: type,
  name: type,
  description: `What helped against ${type === 'general' ? 'errors without a name' : type}.`,
  category: type,
  level: patterns >= ADVANCED ? 'advanced' : 'intermediate',
  capability_tags: [type],
  patternCount: patterns,
  usageCount: uses,
  successRate: successRate * 100,
})

/** What the agents of a tenant have learned, over HTTP. @param cortex null: not configured, which every route says */
export function cortexRoutes(app: App, configured: Cortex | null): void {
  function cortex(): Cortex {
    if (configured) return configured
    throw new Unavailable('This server has no memory: LICTOR_CORTEX is off.', { code: 'cortex_not_configured' })
  }

  app.get(
    '/v1/cortex/patterns',
    {
      config,
      schema: {
        tags,
        summary: 'What helped against which error, the weightiest first',
        querystring: Type.Object({
          query: Type.Optional(Type.String({ maxLength: 500 })),
          q: Type.Optional(Type.String({ maxLength: 500 })),
          limit: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('patterns', PatternShape), ...runtimeFailures(400, 401, 403, 503) },
      },
    },
    async (request) => {
      const { query, q } = request.query
      const { limit } = pageOf(request.query, { fallback: 100, max: 500 })
      const found = await cortex().list(scopeOf(runtimeCallerOf(request)), { q: query || q || null, limit })
      return listed('patterns', found.map(shownPattern))
    },
  )

  app.get(
    '/v1/cortex/skills',
    {
      config,
      schema: {
        tags,
        summary: 'What was learned, by kinds of errors',
        querystring: Type.Object({ limit: Type.Optional(Type.String()) }),
        response: { 200: ListOf('skills', SkillShape), ...runtimeFailures(400, 401, 403, 503) },
      },
    },
    async (request) => {
      const { limit } = pageOf(request.query, { fallback: 100, max: 500 })
      const found = await cortex().skills(scopeOf(runtimeCallerOf(request)))
      return listed('skills', found.slice(0, limit).map(shownSkill))
    },
  )

  app.get(
    '/v1/cortex/metrics',
    {
      config,
      schema: {
        tags,
        summary: 'What was learned, in numbers',
        querystring: Type.Object({ metric_type: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            pattern_count: Type.Integer(),
            solution_count: Type.Integer({ description: 'Ways in which tasks were done.' }),
            avg_success_rate: Nullable(Rate),
            totalPatterns: Type.Integer(),
            totalSkills: Type.Integer(),
            avgSuccessRate: Nullable(Rate),
            totalFrequency: Type.Integer(),
            mostUsedSkills: Type.Array(SkillShape),
            patternsThisWeek: Type.Integer(),
            growthRate: Type.Number({ description: 'Patterns of this week for each older one.' }),
            firstAttemptSuccessRate: Nullable(Rate),
            averageIterations: Nullable(Type.Number()),
            learningVelocity: Type.Number({ description: 'Patterns a day, of the last seven.' }),
            memory_utilization: Rate,
            memoryUtilization: Rate,
            recall_accuracy: Nullable(Rate),
            recallAccuracy: Nullable(Rate),
            decay: Type.Object({
              lastRunAt: Nullable(Instant),
              decayed: Type.Integer(),
              removed: Type.Integer(),
            }),
          }),
          ...runtimeFailures(401, 403, 503),
        },
      },
    },
    async (request) => {
      const figures = await cortex().figures(scopeOf(runtimeCallerOf(request)))
      return {
        pattern_count: figures.patterns,
        solution_count: figures.trajectories,
        avg_success_rate: figures.averageSuccessRate,
        totalPatterns: figures.patterns,
        totalSkills: figures.skills.length,
        avgSuccessRate: figures.averageSuccessRate,
        totalFrequency: figures.frequency,
        mostUsedSkills: figures.skills.slice(0, MOST_USED).map(shownSkill),
        patternsThisWeek: figures.thisWeek,
        growthRate: figures.thisWeek / Math.max(1, figures.before),
        firstAttemptSuccessRate: figures.firstAttempt,
        averageIterations: figures.averageAttempts,
        learningVelocity: figures.thisWeek / 7,
        memory_utilization: figures.utilization,
        memoryUtilization: figures.utilization,
        recall_accuracy: figures.recallAccuracy,
        recallAccuracy: figures.recallAccuracy,
        decay: {
          lastRunAt: toWireTimeOrNull(figures.decay?.ranAt ?? null),
          decayed: figures.decay?.decayed ?? 0,
          removed: figures.decay?.removed ?? 0,
        },
      }
    },
  )
}
