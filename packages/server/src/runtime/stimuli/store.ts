import { sql } from 'kysely'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { StimulusRow, StimulusSourceRow } from '../../storage/schema.ts'
import { type Candidate, EVERY_OTHER, type SignatureForm, type Source } from './source.ts'
import {
  BEGINNING,
  type ListedStimulus,
  LONGEST_LISTED,
  type Stimulus,
  type StimulusRoute,
  type StimulusStatus,
} from './stimulus.ts'

/** A stimulus by what tells whether somebody else has taken it meanwhile. */
export type Stranded = Pick<Stimulus, 'id' | 'tenantId' | 'takenAt'>

/** SQL for sources of stimuli, and for what came from them. */
export interface StimulusStore {
  /** `secret`: undefined keeps the one there is. */
  putSource(source: Omit<Source, 'hasSecret'>, secret: string | undefined): Promise<void>
  findSource(scope: TenantScope, name: string): Promise<Source | null>
  /** By name. */
  listSources(scope: TenantScope): Promise<Source[]>
  /** False when there is none. */
  deleteSource(scope: TenantScope, name: string): Promise<boolean>
  /** The source and the one that stands for every other, of those that there are. */
  findRoutes(scope: TenantScope, name: string): Promise<Source[]>
  /** Every tenant that registered the source, with its secret. */
  listCandidates(scope: SystemScope, name: string): Promise<Candidate[]>
  listTenants(scope: SystemScope): Promise<{ readonly id: string; readonly slug: string }[]>

  insert(stimulus: Stimulus, within: Queryable): Promise<void>
  find(scope: TenantScope, id: string): Promise<Stimulus | null>
  /** Newest first. */
  list(scope: TenantScope, page: { readonly limit: number; readonly offset: number }): Promise<ListedStimulus[]>
  /** Whether one has not been settled yet; held until the transaction ends. */
  isReceived(scope: TenantScope, id: string, within: Queryable): Promise<boolean>
  /** What became of one that was received: false when it was settled before. */
  settle(
    id: string,
    outcome: { readonly status: StimulusStatus; readonly route: StimulusRoute | null; readonly reason: string | null },
    at: Micros,
    within: Queryable,
  ): Promise<boolean>
  /** As if it had not come. False when it was settled before. */
  forget(id: string, within: Queryable): Promise<boolean>
  /** Received ones that this server took until then, or any server before the other instant. */
  listStranded(scope: SystemScope, own: { owner: string; until: Micros }, before: Micros): Promise<Stranded[]>
  /** Take one over: false when another was faster. */
  take(stranded: Stranded, owner: string, at: Micros): Promise<boolean>
  /** Settled ones that came before then. */
  purge(scope: SystemScope, before: Micros): Promise<void>
}

const besideContent = [
  ...(['id', 'tenant_id', 'source', 'encoding', 'headers', 'idempotency_key', 'received_from', 'status'] as const),
  ...(['routing_mode', 'confidence', 'workflow_id', 'workflow_name', 'run_id', 'reason'] as const),
  ...(['owner', 'taken_at', 'received_at', 'last_event_at'] as const),
]

/** Bound to where it belongs, so that a row moved elsewhere does not open there. */
interface Sealed {
  readonly tenantId: string
  readonly source: string
  readonly secret: string
}

export function createStimulusStore({ db }: Database, secretBox: SecretBox): StimulusStore {
  function open(row: StimulusSourceRow): string | null {
    if (row.secret_sealed === null) return null
    const held = JSON.parse(Buffer.from(secretBox.open(row.secret_sealed)).toString('utf8')) as Sealed
    if (held.tenantId !== row.tenant_id || held.source !== row.source)
      throw new Error(`The secret of the source '${row.source}' belongs elsewhere: the database was altered.`)
    return held.secret
  }
  const sourceRows = ({ tenantId }: TenantScope) =>
    db.selectFrom('stimulus_sources').selectAll().where('tenant_id', '=', tenantId)

  return {
    async putSource({ tenantId, name, ...source }, secret) {
      const sealed: Sealed | null = secret === undefined ? null : { tenantId, source: name, secret }
      const fields = {
        workflow: source.workflow,
        router_agent: source.routerAgent,
        signature: source.signature,
        updated_at: source.updatedAt,
        ...(sealed === null ? {} : { secret_sealed: secretBox.seal(Buffer.from(JSON.stringify(sealed))) }),
      }
      await db
        .insertInto('stimulus_sources')
        .values({
          secret_sealed: null,
          ...fields,
          tenant_id: tenantId,
          source: name,
          created_by: source.createdBy,
          created_at: source.createdAt,
        })
        .onConflict((conflict) => conflict.columns(['source', 'tenant_id']).doUpdateSet(fields))
        .execute()
    },
    async findSource(scope, name) {
      const row = await sourceRows(scope).where('source', '=', name).executeTakeFirst()
      return row ? sourceOf(row) : null
    },
    listSources: async (scope) => (await sourceRows(scope).orderBy('source').execute()).map(sourceOf),
    async deleteSource({ tenantId }, name) {
      const { numDeletedRows } = await db
        .deleteFrom('stimulus_sources')
        .where('tenant_id', '=', tenantId)
        .where('source', '=', name)
        .executeTakeFirst()
      return Number(numDeletedRows) === 1
    },
    async findRoutes(scope, name) {
      const rows = await sourceRows(scope).where('source', 'in', [name, EVERY_OTHER]).execute()
      return rows.map(sourceOf)
    },
    async listCandidates(_scope, name) {
      const rows = await db.selectFrom('stimulus_sources').selectAll().where('source', '=', name).execute()
      return rows.map((row) => ({
        tenantId: row.tenant_id,
        signature: row.signature as SignatureForm,
        secret: open(row),
      }))
    },
    listTenants: () => db.selectFrom('tenants').select(['id', 'slug']).execute(),

    async insert(stimulus, within) {
      await within.insertInto('stimuli').values(rowOf(stimulus)).execute()
    },
    async find({ tenantId }, id) {
      const row = await db
        .selectFrom('stimuli')
        .selectAll()
        .where('id', '=', id)
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      return row ? stimulusOf(row) : null
    },
    async list({ tenantId }, { limit, offset }) {
      const rows = await db
        .selectFrom('stimuli')
        .select(besideContent)
        .select(
          sql<string>`case when octet_length(content) > ${LONGEST_LISTED} then substr(content, 1, ${BEGINNING}) else content end`.as(
            'content',
          ),
        )
        .select(sql<number>`octet_length(content)`.as('content_bytes'))
        .where('tenant_id', '=', tenantId)
        .orderBy('received_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .offset(offset)
        .execute()
      return rows.map((row) => {
        const contentBytes = Number(row.content_bytes)
        return { ...stimulusOf(row), contentBytes, isShortened: contentBytes > LONGEST_LISTED }
      })
    },
    async isReceived({ tenantId }, id, within) {
      const { numUpdatedRows } = await within
        .updateTable('stimuli')
        .set((e) => ({ taken_at: e.ref('taken_at') }))
        .where('id', '=', id)
        .where('tenant_id', '=', tenantId)
        .where('status', '=', 'received')
        .executeTakeFirst()
      return Number(numUpdatedRows) === 1
    },
    async settle(id, { status, route, reason }, at, within) {
      const { numUpdatedRows } = await within
        .updateTable('stimuli')
        .set({ ...routeRow(route), status, reason, last_event_at: at })
        .where('id', '=', id)
        .where('status', '=', 'received')
        .executeTakeFirst()
      return Number(numUpdatedRows) === 1
    },
    async forget(id, within) {
      const { numDeletedRows } = await within
        .deleteFrom('stimuli')
        .where('id', '=', id)
        .where('status', '=', 'received')
        .executeTakeFirst()
      return Number(numDeletedRows) === 1
    },
    async listStranded(_scope, { owner, until }, before) {
      const rows = await db
        .selectFrom('stimuli')
        .select(['id', 'tenant_id', 'taken_at'])
        .where('status', '=', 'received')
        .where((where) =>
          where.or([
            where.and([where('owner', '=', owner), where('taken_at', '<=', until)]),
            where('taken_at', '<', before),
          ]),
        )
        .orderBy('taken_at')
        .execute()
      return rows.map((row) => ({ id: row.id, tenantId: row.tenant_id, takenAt: row.taken_at }))
    },
    async take({ id, takenAt }, owner, at) {
      const { numUpdatedRows } = await db
        .updateTable('stimuli')
        .set({ owner, taken_at: at })
        .where('id', '=', id)
        .where('status', '=', 'received')
        .where('taken_at', '=', takenAt)
        .executeTakeFirst()
      return Number(numUpdatedRows) === 1
    },
    async purge(_scope, before) {
      await db.deleteFrom('stimuli').where('received_at', '<', before).where('status', '<>', 'received').execute()
    },
  }
}

const sourceOf = (row: StimulusSourceRow): Source => ({
  tenantId: row.tenant_id,
  name: row.source,
  workflow: row.workflow,
  routerAgent: row.router_agent,
  signature: row.signature as SignatureForm,
  hasSecret: row.secret_sealed !== null,
  createdBy: row.created_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const stimulusOf = (row: StimulusRow): Stimulus => ({
  id: row.id,
  tenantId: row.tenant_id,
  source: row.source,
  content: row.content,
  encoding: row.encoding as Stimulus['encoding'],
  headers: JSON.parse(row.headers) as Stimulus['headers'],
  idempotencyKey: row.idempotency_key,
  receivedFrom: row.received_from,
  status: row.status as StimulusStatus,
  route:
    row.run_id === null
      ? null
      : {
          mode: row.routing_mode as StimulusRoute['mode'],
          confidence: row.confidence ?? 0,
          workflowId: row.workflow_id ?? '',
          workflowName: row.workflow_name ?? '',
          runId: row.run_id,
        },
  reason: row.reason,
  owner: row.owner,
  takenAt: row.taken_at,
  receivedAt: row.received_at,
  lastEventAt: row.last_event_at,
})

const routeRow = (route: StimulusRoute | null) => ({
  routing_mode: route?.mode ?? null,
  confidence: route?.confidence ?? null,
  workflow_id: route?.workflowId ?? null,
  workflow_name: route?.workflowName ?? null,
  run_id: route?.runId ?? null,
})

const rowOf = (stimulus: Stimulus): StimulusRow => ({
  ...routeRow(stimulus.route),
  id: stimulus.id,
  tenant_id: stimulus.tenantId,
  source: stimulus.source,
  content: stimulus.content,
  encoding: stimulus.encoding,
  headers: JSON.stringify(stimulus.headers),
  idempotency_key: stimulus.idempotencyKey,
  received_from: stimulus.receivedFrom,
  status: stimulus.status,
  reason: stimulus.reason,
  owner: stimulus.owner,
  taken_at: stimulus.takenAt,
  received_at: stimulus.receivedAt,
  last_event_at: stimulus.lastEventAt,
})
