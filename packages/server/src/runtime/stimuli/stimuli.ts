import type { Logger } from 'pino'
import type { Idempotency } from '../../changes/idempotency/idempotency.ts'
import { Conflict, DomainError, InvalidInput, NotFound, TooManyRequests, Unavailable } from '../../errors.ts'
import { scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { NotRouted, type Router } from './router.ts'
import { EVERY_OTHER, type Source } from './source.ts'
import { type Arrival, inputOf, type ListedStimulus, type Stimulus, type StimulusRoute } from './stimulus.ts'
import type { StimulusStore } from './store.ts'

const NOT_FOUND = 'stimulus not found'
const LONGEST_KEY = 255
/** Longer than a router agent takes: whoever took it is gone. */
const STRANDED_MS = 60_000
const KEPT_MS = 90 * 86_400_000

/** A run of a workflow, as it is begun together with what asks for it. */
type BeginRun = (
  starter: { readonly tenantId: string; readonly startedBy: string },
  workflow: string,
  given: { readonly input: unknown; readonly overrides: object; readonly intent: null; readonly refused: null },
  alongside: (
    run: { readonly id: string; readonly workflowId: string; readonly workflowName: string },
    within: Queryable,
  ) => Promise<boolean>,
) => Promise<unknown>

/** What comes from outside and begins workflows. */
export interface Stimuli {
  /**
   * Begin the workflow that something is for: it is recorded with the run that it began, in one transaction.
   * @throws Conflict `idempotent_duplicate` for one that came before; NotRouted and InvalidInput for what began nothing, which is
   *   recorded as well; TooManyRequests and Unavailable, after which it may be sent again
   */
  receive(arrival: Arrival): Promise<Stimulus>
  /** Whether anything is begun by what comes from this source. */
  isRouted(of: { readonly tenantId: string }, source: string): Promise<boolean>
  list(
    of: { readonly tenantId: string },
    page: { readonly limit: number; readonly offset: number },
  ): Promise<ListedStimulus[]>
  /** @throws NotFound */
  get(of: { readonly tenantId: string }, id: string): Promise<Stimulus>
  /** Find the way of those whose server ended meanwhile. */
  recover(): Promise<void>
  /** Forget what is older than 90 days. */
  sweep(): Promise<void>
  /** Wait for no router any more. */
  stop(): Promise<void>
}

export function createStimuli(deps: {
  database: Database
  store: StimulusStore
  idempotency: Idempotency
  router: Router
  beginRun: BeginRun
  /** @throws Forbidden for a tenant that is suspended or deleted */
  requireActive: (scope: TenantScope) => Promise<void>
  events: TenantEvents
  clock: Clock
  random: Random
  logger: Logger
  owner: string
}): Stimuli {
  const { database, store, idempotency, router, beginRun, requireActive, events, clock, random, logger, owner } = deps
  const stopping = new AbortController()
  const bornAt = microsOf(clock.now())
  const underway = new Set<Promise<unknown>>()

  const onceOf = ({ tenantId, source, idempotencyKey }: Arrival) =>
    idempotencyKey === null
      ? null
      : { tenantId, operation: `stimulus:${source}`, key: idempotencyKey, request: 'stimulus' }

  /** Take the key, in the transaction that records what it is for. @throws Conflict when it is another's */
  async function claim(stimulus: Stimulus, within: Queryable): Promise<void> {
    const first = await idempotency.once(onceOf(stimulus), within, async () => ({ id: stimulus.id }))
    if (first.id !== stimulus.id) throw duplicate(first.id)
  }

  /** @throws Conflict with what became of the first, where there is more to say of it */
  async function requireFirst(arrival: Arrival): Promise<void> {
    const before = await idempotency.answered<{ id: string }>(onceOf(arrival))
    if (before) throw duplicate(before.id)
  }

  async function record(stimulus: Stimulus, told: Parameters<TenantEvents['add']>[1], within: Queryable) {
    await claim(stimulus, within)
    await store.insert(stimulus, within)
    await events.add(stimulus.tenantId, [received(stimulus), ...told], within)
  }

  /** Record what began nothing, and say why. */
  async function refuse(stimulus: Stimulus, isNew: boolean, error: DomainError): Promise<never> {
    const status = error instanceof NotRouted ? error.becomes : 'rejected'
    const reason = `${error.code}: ${error.message}`
    const at = microsOf(clock.now())
    const told =
      status === 'rejected'
        ? draft('stimulus_rejected', { stimulus_id: stimulus.id, reason })
        : draft('stimulus_classification_failed', { stimulus_id: stimulus.id, error: reason })
    await database.db.transaction().execute(async (within) => {
      if (isNew) return record({ ...stimulus, status, reason, lastEventAt: at }, [told], within)
      if (await store.settle(stimulus.id, { status, route: null, reason }, at, within))
        await events.add(stimulus.tenantId, [told], within)
    })
    throw new DomainError(error.status, error.code, error.message, {
      cause: error,
      members: { ...error.members, stimulus_id: stimulus.id },
    })
  }

  /** Begin the workflow that was chosen. @throws DomainError */
  async function begin(
    stimulus: Stimulus,
    isNew: boolean,
    choice: Pick<StimulusRoute, 'mode' | 'confidence'> & { readonly workflow: string },
  ): Promise<Stimulus> {
    const { tenantId, receivedFrom, id } = stimulus
    const { mode, confidence, workflow } = choice
    const at = microsOf(clock.now())
    let settled = stimulus
    const given = { input: inputOf(stimulus), overrides: {}, intent: null, refused: null }
    await beginRun({ tenantId, startedBy: receivedFrom }, workflow, given, async (run, within) => {
      const route: StimulusRoute = {
        mode,
        confidence,
        workflowId: run.workflowId,
        workflowName: run.workflowName,
        runId: run.id,
      }
      const told = draft('stimulus_classified', {
        stimulus_id: id,
        workflow_id: run.workflowId,
        confidence,
        routing_mode: mode,
      })
      settled = { ...stimulus, status: 'classified', route, lastEventAt: at }
      if (isNew) {
        await record(settled, [told], within)
        return true
      }
      if (!(await store.settle(id, { status: 'classified', route, reason: null }, at, within))) return false
      await events.add(tenantId, [told], within)
      return true
    })
    return settled.status === 'classified' && isNew ? settled : get(stimulus, id)
  }

  /** As `begin`, with what a workflow that cannot be begun means here. */
  async function beginOrRefuse(...[stimulus, isNew, choice]: Parameters<typeof begin>): Promise<Stimulus> {
    try {
      return await begin(stimulus, isNew, choice)
    } catch (error) {
      if (error instanceof NotFound)
        return refuse(stimulus, isNew, new NotRouted('unknown_workflow', `There is no workflow '${choice.workflow}'.`))
      if (error instanceof InvalidInput)
        return refuse(stimulus, isNew, new InvalidInput(error.message, 'workflow_error'))
      throw error
    }
  }

  /** Of one that is recorded as received. */
  async function findWay(stimulus: Stimulus, agent: string): Promise<Stimulus> {
    let chosen: Awaited<ReturnType<Router['choose']>>
    try {
      chosen = await router.choose(stimulus, agent, stopping.signal)
    } catch (error) {
      if (error instanceof NotRouted) return refuse(stimulus, false, error)
      throw error
    }
    return beginOrRefuse(stimulus, false, { ...chosen, mode: 'LlmClassified' })
  }

  async function route(stimulus: Stimulus, isNew: boolean): Promise<Stimulus> {
    const { tenantId, source } = stimulus
    const way = wayOf(await store.findRoutes(scopeOfRecord({ tenantId }), source), source)
    if (way === null)
      return refuse(
        stimulus,
        isNew,
        new NotRouted('no_router_configured', `Nothing says what stimuli of the source '${source}' begin.`),
      )
    if (way.workflow !== null)
      return beginOrRefuse(stimulus, isNew, { workflow: way.workflow, mode: 'Deterministic', confidence: 1 })
    if (isNew) await database.db.transaction().execute((within) => record(stimulus, [], within))
    try {
      return await findWay(stimulus, way.routerAgent)
    } catch (error) {
      if (stopping.signal.aborted && !(error instanceof DomainError))
        throw new Unavailable('The server stops; what came is kept, and routed when it starts again.', { cause: error })
      // Nobody was told that it was taken: it may be sent again.
      if (error instanceof TooManyRequests) await forget(stimulus)
      throw error
    }
  }

  async function forget(stimulus: Stimulus): Promise<void> {
    await database.db.transaction().execute(async (within) => {
      if (await store.forget(stimulus.id, within)) await idempotency.release(onceOf(stimulus), within)
    })
  }

  async function get({ tenantId }: { readonly tenantId: string }, id: string): Promise<Stimulus> {
    const found = await store.find(scopeOfRecord({ tenantId }), id)
    if (!found) throw new NotFound(NOT_FOUND, NOT_FOUND)
    return found
  }

  async function awaited<T>(work: Promise<T>): Promise<T> {
    const noted = work.catch(() => {}).finally(() => underway.delete(noted))
    underway.add(noted)
    return work
  }

  return {
    get,
    async receive(arrival) {
      const { idempotencyKey: key } = arrival
      if (key !== null && (key.length > LONGEST_KEY || !/^[\x21-\x7e]+$/.test(key)))
        throw new InvalidInput([
          {
            loc: ['body', 'idempotency_key'],
            msg: `An idempotency key is 1 to ${LONGEST_KEY} printable ASCII characters without blanks.`,
          },
        ])
      await requireActive(scopeOfRecord(arrival))
      await requireFirst(arrival)
      const at = microsOf(clock.now())
      const stimulus: Stimulus = {
        ...arrival,
        id: random.uuid(),
        status: 'received',
        route: null,
        reason: null,
        owner,
        takenAt: at,
        receivedAt: at,
        lastEventAt: at,
      }
      return awaited(route(stimulus, true))
    },
    isRouted: async ({ tenantId }, source) =>
      wayOf(await store.findRoutes(scopeOfRecord({ tenantId }), source), source) !== null,
    list: ({ tenantId }, page) => store.list(scopeOfRecord({ tenantId }), page),
    async recover() {
      const now = microsOf(clock.now())
      const stranded = await store.listStranded(systemScope, { owner, until: bornAt }, now - microsOf(STRANDED_MS))
      for (const one of stranded) {
        if (stopping.signal.aborted || !(await store.take(one, owner, now))) continue
        const work = get(one, one.id)
          .then((stimulus) => route(stimulus, false))
          .catch((err: unknown) => {
            // What began nothing is recorded so; everything else is tried again.
            if (!(err instanceof DomainError) || err.status >= 500)
              logger.error({ err, stimulus_id: one.id }, 'a stimulus could not be routed; it is tried again')
          })
        void awaited(work)
      }
    },
    sweep: () => store.purge(systemScope, microsOf(clock.now() - KEPT_MS)),
    async stop() {
      stopping.abort(new Error('The server stops.'))
      await Promise.all(underway)
    },
  }
}

const received = ({ id, source }: Stimulus) => draft('stimulus_received', { stimulus_id: id, source })

const duplicate = (id: string): Conflict =>
  new Conflict('This came before, and is not begun again.', 'idempotent_duplicate', { original_stimulus_id: id })

/** What a source begins: what it says itself, else what stands for every other. */
function wayOf(
  sources: readonly Source[],
  name: string,
):
  | { readonly workflow: string; readonly routerAgent: null }
  | { readonly workflow: null; readonly routerAgent: string }
  | null {
  for (const wanted of [name, EVERY_OTHER]) {
    const source = sources.find((one) => one.name === wanted)
    if (source?.workflow) return { workflow: source.workflow, routerAgent: null }
    if (source?.routerAgent) return { workflow: null, routerAgent: source.routerAgent }
  }
  return null
}
