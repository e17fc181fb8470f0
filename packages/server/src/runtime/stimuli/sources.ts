import { InvalidInput, NotFound } from '../../errors.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf, systemScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import type { RuntimeCaller } from '../visibility.ts'
import { type Candidate, EVERY_OTHER, type SignatureForm, type Source, sourceName, usualForm } from './source.ts'
import type { StimulusStore } from './store.ts'

/** What a source is registered with. */
export interface SourceGiven {
  readonly source: string
  readonly workflow: string | null
  readonly routerAgent: string | null
  readonly signature: SignatureForm | null
  /** Null keeps the one there is. */
  readonly secret: string | null
}

/** Where a tenant lets stimuli come from, and what they begin. */
export interface Sources {
  /** Register a source, or replace what is registered. @throws InvalidInput for a workflow or an agent that there is not */
  put(caller: RuntimeCaller, given: SourceGiven): Promise<Source>
  list(caller: RuntimeCaller): Promise<Source[]>
  /** @throws NotFound */
  remove(caller: RuntimeCaller, name: string): Promise<string>
  /** Every tenant that takes webhooks of this source, with the secret of each. */
  candidates(name: string): Promise<Candidate[]>
}

const SHORTEST_SECRET = 8

/** @param deps.secrets of the environment: `<TENANT>_<SOURCE>`, or `<SOURCE>` alone, to the secret */
export function createSources(deps: {
  store: StimulusStore
  secrets: ReadonlyMap<string, string>
  /** @throws NotFound */
  requireWorkflow: (caller: RuntimeCaller, nameOrId: string) => Promise<void>
  /** @throws NotFound */
  requireAgent: (caller: RuntimeCaller, nameOrId: string) => Promise<void>
  clock: Clock
}): Sources {
  const { store, secrets, requireWorkflow, requireAgent, clock } = deps

  async function requireThere(field: string, look: Promise<void>): Promise<void> {
    await look.catch((error: unknown) => {
      if (!(error instanceof NotFound)) throw error
      throw new InvalidInput([{ loc: ['body', field], msg: error.message }], `unknown_${field}`)
    })
  }

  /** Tenants that the environment names with this source, and what it says for all that registered it. */
  async function ofEnvironment(name: string) {
    const key = variablePart(name)
    const shared = secrets.get(key) ?? null
    const isNamed = shared !== null || [...secrets.keys()].some((one) => one.endsWith(`_${key}`))
    if (!isNamed) return { shared: null, own: new Map<string, string>(), only: null }
    const tenants = await store.listTenants(systemScope)
    const own = new Map(
      tenants.flatMap(({ id, slug }) => {
        const secret = secrets.get(`${variablePart(slug)}_${key}`)
        return secret === undefined ? [] : [[id, secret] as const]
      }),
    )
    return { shared, own, only: tenants.length === 1 ? (tenants[0]?.id ?? null) : null }
  }

  return {
    async put(caller, { source, workflow, routerAgent, signature, secret }) {
      const name = sourceName(source)
      if (workflow === null && routerAgent === null)
        throw new InvalidInput([
          {
            loc: ['body', 'workflow'],
            msg: 'A source needs a workflow that it begins, or a router_agent that chooses one.',
          },
        ])
      if (secret !== null && name === EVERY_OTHER)
        throw new InvalidInput([
          {
            loc: ['body', 'secret'],
            msg: `'${EVERY_OTHER}' only says what is begun; webhooks need a source of their own.`,
          },
        ])
      if (secret !== null && secret.length < SHORTEST_SECRET)
        throw new InvalidInput([
          { loc: ['body', 'secret'], msg: `A secret has at least ${SHORTEST_SECRET} characters.` },
        ])
      if (workflow !== null) await requireThere('workflow', requireWorkflow(caller, workflow))
      if (routerAgent !== null) await requireThere('router_agent', requireAgent(caller, routerAgent))
      const at = microsOf(clock.now())
      const { tenantId } = caller
      const made = {
        tenantId,
        name,
        workflow,
        routerAgent,
        signature: signature ?? usualForm(name),
        createdBy: actorOf(caller),
        createdAt: at,
        updatedAt: at,
      }
      await store.putSource(made, secret ?? undefined)
      return (await store.findSource(scopeOf(caller), name)) ?? { ...made, hasSecret: secret !== null }
    },
    list: (caller) => store.listSources(scopeOf(caller)),
    async remove(caller, name) {
      const known = sourceName(name, 'path')
      if (await store.deleteSource(scopeOf(caller), known)) return known
      throw new NotFound(`There is no source '${known}'.`, 'source_not_found')
    },
    async candidates(name) {
      const [registered, environment] = await Promise.all([
        store.listCandidates(systemScope, name),
        ofEnvironment(name),
      ])
      const { shared, own, only } = environment
      const known = registered.map((one) => ({ ...one, secret: one.secret ?? own.get(one.tenantId) ?? shared }))
      const others = new Map(own)
      if (shared !== null && only !== null && !others.has(only)) others.set(only, shared)
      for (const { tenantId } of known) others.delete(tenantId)
      return [...known, ...[...others].map(([tenantId, secret]) => ({ tenantId, secret, signature: usualForm(name) }))]
    },
  }
}

/** A name as it stands in a variable. */
const variablePart = (name: string): string => name.toUpperCase().replace(/[-.]/g, '_')
