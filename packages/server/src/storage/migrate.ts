import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { StartupError } from '../errors.ts'
import { type Database, isDatabaseAway } from './database.ts'
import { governance } from './migrations/0001-governance.ts'
import { runtime } from './migrations/0002-runtime.ts'
import { library } from './migrations/0003-library.ts'
import { notifications } from './migrations/0004-notifications.ts'
import { presence } from './migrations/0004-presence.ts'
import { assistant } from './migrations/0005-assistant.ts'
import { eventIndexes } from './migrations/0006-event-indexes.ts'
import { eventGenerations } from './migrations/0007-event-generations.ts'
import { subjects } from './migrations/0008-subjects.ts'
import { eventChains } from './migrations/0009-event-chains.ts'
import { approvalReceipts } from './migrations/0010-approval-receipts.ts'
import { sessionLeases } from './migrations/0011-session-leases.ts'
import { durableExecutions } from './migrations/0012-durable-executions.ts'
import { seal } from './migrations/0014-seal.ts'
import { volumes } from './migrations/0015-volumes.ts'
import { secrets } from './migrations/0016-secrets.ts'
import { scriptsAndRepositories } from './migrations/0017-scripts-and-repositories.ts'
import { workflows } from './migrations/0018-workflows.ts'
import { workflowRuns } from './migrations/0019-workflow-runs.ts'
import { workflowChildren } from './migrations/0021-workflow-children.ts'
import { workflowRunsOfAgents } from './migrations/0021-workflow-runs-of-agents.ts'
import { stimuli } from './migrations/0022-stimuli.ts'
import { schedules } from './migrations/0023-schedules.ts'
import { people } from './migrations/0025-people.ts'
import { singleSignOn } from './migrations/0026-single-sign-on.ts'
import { rateLimits } from './migrations/0027-rate-limits.ts'
import { nodesAndSubscriptions } from './migrations/0028-nodes-and-subscriptions.ts'
import { rulesets } from './migrations/0030-rulesets.ts'
import { cortex } from './migrations/0034-cortex.ts'
import { swarms } from './migrations/0036-swarms.ts'
import { deviceSignIns } from './migrations/0037-device-sign-ins.ts'
import { intentPipelines } from './migrations/0038-intent-pipelines.ts'
import { workflowGates } from './migrations/0039-workflow-gates.ts'

export type Migrations = Readonly<Record<string, (dialect: Database['dialect']) => Migration>>

/** In the order they are applied. A released migration is never changed; a new one is appended. */
export const released: Migrations = {
  '0001-governance': governance,
  '0002-runtime': runtime,
  '0003-library': library,
  '0004-notifications': notifications,
  '0004-presence': presence,
  '0005-assistant': assistant,
  '0006-event-indexes': eventIndexes,
  '0007-event-generations': eventGenerations,
  '0008-subjects': subjects,
  '0009-event-chains': eventChains,
  '0010-approval-receipts': approvalReceipts,
  '0011-session-leases': sessionLeases,
  '0012-durable-executions': durableExecutions,
  '0014-seal': seal,
  '0015-volumes': volumes,
  '0016-secrets': secrets,
  '0017-scripts-and-repositories': scriptsAndRepositories,
  '0018-workflows': workflows,
  '0019-workflow-runs': workflowRuns,
  '0021-workflow-children': workflowChildren,
  '0021-workflow-runs-of-agents': workflowRunsOfAgents,
  '0022-stimuli': stimuli,
  '0023-schedules': schedules,
  '0025-people': people,
  '0026-single-sign-on': singleSignOn,
  '0027-rate-limits': rateLimits,
  '0028-nodes-and-subscriptions': nodesAndSubscriptions,
  '0030-rulesets': rulesets,
  '0034-cortex': cortex,
  '0036-swarms': swarms,
  '0037-device-sign-ins': deviceSignIns,
  '0038-intent-pipelines': intentPipelines,
  '0039-workflow-gates': workflowGates,
}

/** Bring the database to this version's schema, one server at a time: all of it or nothing. Returns the names of what was applied. */
export async function migrate(database: Database, migrations: Migrations = released): Promise<string[]> {
  const migrator = new Migrator({
    db: database.db,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(Object.entries(migrations).map(([name, make]) => [name, make(database.dialect)])),
    },
  })
  // Servers that start together take turns; making the migrator's own tables is part of the turn.
  const { error, results } = await database
    .exclusively('migrate', () => migrator.migrateToLatest())
    .catch((cause: unknown) => {
      throw isDatabaseAway(cause) ? away(cause) : cause
    })
  if (error) throw explain(error)
  return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName)
}

/** Whether this version could bring the database to its schema; nothing is changed. @throws StartupError as `migrate` does */
export async function checkSchema(database: Database, migrations: Migrations = released): Promise<void> {
  try {
    const applied = (await database.db.introspection.getTables({ withInternalKyselyTables: true })).some(
      ({ name }) => name === MIGRATIONS_TABLE,
    )
    if (!applied) return
    const names = await sql<{ name: string }>`select name from ${sql.table(MIGRATIONS_TABLE)}`.execute(database.db)
    const unknown = names.rows.find(({ name }) => !Object.hasOwn(migrations, name))
    if (unknown) throw newer(`corrupted migrations: previously executed migration ${unknown.name} is missing`)
  } catch (error) {
    throw isDatabaseAway(error) ? away(error) : error
  }
}

const MIGRATIONS_TABLE = 'kysely_migration'

const newer = (message: string, cause?: unknown): StartupError =>
  new StartupError(
    'database_newer',
    `The database was written by a newer version of Lictor (${message}). Start that version, or restore a backup made by this one.`,
    cause,
  )

function explain(error: unknown): StartupError {
  const message = error instanceof Error ? error.message : String(error)
  if (/corrupted migrations/.test(message)) return newer(message, error)
  if (isDatabaseAway(error)) return away(error)
  return new StartupError('migration', `The database could not be brought up to date: ${message}`, error)
}

const away = (cause: unknown): StartupError =>
  new StartupError(
    'database_away',
    `PostgreSQL at DATABASE_URL does not answer (${cause instanceof Error ? cause.message : String(cause)}). Start it, correct the address, or leave DATABASE_URL empty for the embedded database.`,
    cause,
  )
