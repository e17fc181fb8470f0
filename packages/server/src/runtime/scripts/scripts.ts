import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type Caller } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { ownerOf, type Tier } from '../volumes/volume.ts'
import { problemOf, type Script, type ScriptSummary } from './script.ts'
import type { ScriptStore } from './store.ts'

/** What a script is made with, or changed to. */
export interface ScriptInput {
  readonly name: string
  readonly code: string
  /** Left out of an update, it stays as it was. */
  readonly description?: string | undefined
  readonly tags?: readonly string[] | undefined
}

/** Scripts: a consumer's own, or those of the tenant. */
export interface Scripts {
  /** @throws InvalidInput for what is too long or beyond the tier, Conflict for a name that is taken. */
  save(caller: Caller, input: ScriptInput): Promise<Script>
  /** @throws NotFound and as `save` */
  update(caller: Caller, id: string, input: ScriptInput): Promise<Script>
  /** @param filter.text in the name or the description, whatever the case */
  list(caller: Caller, filter: { tag: string | null; text: string | null }): Promise<ScriptSummary[]>
  /** @throws NotFound, also for one of somebody else. */
  get(caller: Caller, id: string): Promise<Script>
  /** @throws NotFound. */
  delete(caller: Caller, id: string): Promise<void>
}

export function createScripts(deps: {
  database: Database
  store: ScriptStore
  clock: Clock
  random: Random
  tier: Pick<Tier, 'scripts'>
}): Scripts {
  const { database, store, clock, random, tier } = deps

  /** Change the scripts of the caller, one change at a time. */
  const changing = <T>(caller: Caller, change: (within: Queryable) => Promise<T>): Promise<T> =>
    database.db.transaction().execute(async (within) => {
      await store.lockOwner(scopeOf(caller), ownerOf(caller), within)
      return change(within)
    })

  async function requireFree(caller: Caller, { id, name }: Script, within: Queryable): Promise<void> {
    const there = await store.findNamed(scopeOf(caller), ownerOf(caller), name, within)
    if (there && there.id !== id)
      throw new Conflict(
        `There is a script '${name}' already (${there.id}): update it, or choose another name.`,
        'script_exists',
      )
  }

  return {
    save: (caller, { name, code, description = '', tags = [] }) =>
      changing(caller, async (within) => {
        const now = microsOf(clock.now())
        const script: Script = {
          id: random.uuid(),
          tenantId: caller.tenantId,
          owner: ownerOf(caller),
          name,
          code,
          description,
          tags: [...new Set(tags)],
          version: 1,
          createdBy: actorOf(caller),
          createdAt: now,
          updatedAt: now,
        }
        requireGood(script)
        await requireFree(caller, script, within)
        if ((await store.count(scopeOf(caller), script.owner, within)) >= tier.scripts)
          throw new InvalidInput(
            `LICTOR_VOLUME_TIER allows ${tier.scripts} scripts. Delete one, or update one that is there.`,
            'script_quota_exceeded',
          )
        await store.insert(script, within)
        return script
      }),
    update: (caller, id, { name, code, description, tags }) =>
      changing(caller, async (within) => {
        const before = await store.find(scopeOf(caller), ownerOf(caller), id, within)
        if (!before) throw missing(id)
        const script: Script = {
          ...before,
          name,
          code,
          description: description ?? before.description,
          tags: tags === undefined ? before.tags : [...new Set(tags)],
          version: before.version + 1,
          updatedAt: microsOf(clock.now()),
        }
        requireGood(script)
        await requireFree(caller, script, within)
        await store.update(script, within)
        return script
      }),
    async list(caller, { tag, text }) {
      const searched = text?.toLowerCase() ?? ''
      return (await store.list(scopeOf(caller), ownerOf(caller))).filter(
        ({ name, description, tags }) =>
          (tag === null || tags.includes(tag)) && `${name}\n${description}`.toLowerCase().includes(searched),
      )
    },
    async get(caller, id) {
      const script = await store.find(scopeOf(caller), ownerOf(caller), id)
      if (!script) throw missing(id)
      return script
    },
    async delete(caller, id) {
      if (!(await store.delete(scopeOf(caller), ownerOf(caller), id))) throw missing(id)
    },
  }
}

function requireGood(script: Script): void {
  const problem = problemOf(script)
  if (problem !== null) throw new InvalidInput(problem, 'invalid_script')
}

const missing = (id: string): NotFound => new NotFound(`There is no script '${id}'.`, 'script_not_found')
