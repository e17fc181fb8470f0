import Type from 'typebox'
import { failures, Instant } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { keyOf, userOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { EnvironmentName } from '../fields.ts'
import { withAgentJson } from '../json-body.ts'
import type { ScanStore } from './scan-store.ts'

const tags = { tags: ['rulesets'] }

const Report = Type.Object(
  {
    skills_dir: Type.String({ maxLength: 4096, default: '', description: 'The folder that was scanned.' }),
    total_scanned: Type.Optional(Type.Integer({ minimum: 0 })),
    violations: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 10_000 })),
  },
  {
    additionalProperties: true,
    description: "What the SDK's scanner sends: version and date of the scan, violations by skill, counts by severity.",
  },
)

/** What the later SDKs ask for besides bundles, events, approvals and sessions. */
export function rulesetDoorRoutes(app: App, { scanStore, clock }: { scanStore: ScanStore; clock: Clock }): void {
  app.get(
    '/v1/health',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Whether the server answers',
        response: { 200: Type.Object({ status: Type.String() }) },
      },
    },
    async () => ({ status: 'ok' }),
  )

  withAgentJson(app, (scope) => {
    for (const [address, tag] of [
      ['/api/v1/skill-scan', 'agents'],
      ['/v1/skill-scan', 'rulesets'],
    ] as const)
      scope.post(
        address,
        {
          config: { access: 'agent', scope: 'environment' },
          schema: {
            tags: [tag],
            summary: 'Report what a scan of skills found',
            description: 'The newest report of each key and folder is kept.',
            body: Report,
            response: { 200: Type.Object({}), ...failures(401, 413, 422) },
          },
        },
        async (request) => {
          const caller = keyOf(request)
          const { keyId, env } = caller
          const { body } = request
          const receivedAt = microsOf(clock.now())
          await scanStore.keep(scopeOf(caller), { keyId, env, skillsDir: body.skills_dir, report: body, receivedAt })
          return {}
        },
      )
  })

  app.get(
    '/api/v1/skill-scans',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        tags: ['agents'],
        summary: 'List the newest scans of skills, newest first',
        response: {
          200: Type.Array(
            Type.Object({
              key_id: Type.String(),
              env: EnvironmentName,
              skills_dir: Type.String(),
              report: Type.Record(Type.String(), Type.Unknown(), { description: 'As it was sent.' }),
              received_at: Instant,
            }),
          ),
          ...failures(401),
        },
      },
    },
    async (request) =>
      (await scanStore.list(scopeOf(userOf(request)))).map((scan) => ({
        key_id: scan.keyId,
        env: scan.env,
        skills_dir: scan.skillsDir,
        report: { ...scan.report },
        received_at: toWireTime(scan.receivedAt),
      })),
  )
}
