import { createHash } from 'node:crypto'
import { loadWorkflow, type Workflow } from '@lictor/contracts/gates'
import type { Idempotency, OnceKey } from '../../changes/idempotency/idempotency.ts'
import type { StreamLog } from '../../changes/stream-log.ts'
import { Forbidden, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type KeyCaller, type UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { DeliveredGates } from './delivered.ts'
import type { GateDeployment, GateDocument, GateDocumentInfo, GateStore } from './store.ts'

/** The name is part of the name that a session's value has, which holds at most 256 characters. */
const LONGEST_NAME = 128
const MOST_DEPLOYMENTS = 100

/** Documents of kind `Workflow`, and the bundles whose agents go through them. */
export interface Gates {
  /**
   * Store a new version of the name in the document; with `once`, one version for all repetitions of the request.
   * @throws InvalidInput with what is wrong with the document.
   */
  upload(caller: UserCaller, yaml: string, once?: OnceKey | null): Promise<GateDocumentInfo>
  /** By name, the newest version first. */
  list(caller: UserCaller): Promise<GateDocumentInfo[]>
  /** @throws NotFound. */
  get(caller: UserCaller, name: string, version: number): Promise<GateDocument>
  /**
   * The agents of a bundle in an environment go through these gates from their next call on; null: through none.
   * @throws NotFound for a bundle that there is not, InvalidInput for a version that there is not.
   */
  deploy(
    caller: UserCaller,
    order: {
      readonly env: string
      readonly bundleName: string
      readonly gates: { readonly name: string; readonly version: number } | null
    },
    once?: OnceKey | null,
  ): Promise<GateDeployment>
  /** The newest first, at most 100. @throws NotFound for a bundle that there is not. */
  deployments(caller: UserCaller, bundleName: string, env?: string): Promise<GateDeployment[]>
  /** As `inForce`. @throws NotFound too, for a bundle that there is not. */
  ofBundle(caller: UserCaller | KeyCaller, bundleName: string, env: string): Promise<DeliveredGates | null>
  /** What the agents of a bundle go through; null for none. @throws Forbidden for a key of another environment. */
  inForce(caller: UserCaller | KeyCaller, bundleName: string, env: string): Promise<DeliveredGates | null>
}

export function createGates(deps: {
  store: GateStore
  bundles: { latestVersion(scope: TenantScope, name: string, within: Queryable): Promise<number> }
  signing: {
    activeKey(
      scope: TenantScope,
      within: Queryable,
    ): Promise<{ readonly publicKey: Uint8Array; sign(bytes: Uint8Array): Uint8Array } | null>
  }
  database: { readonly db: Queryable }
  log: StreamLog
  idempotency: Idempotency
  clock: Clock
  random: Random
}): Gates {
  const { store, bundles, signing, database, log, idempotency, clock, random } = deps

  async function keep(caller: UserCaller, yaml: string, workflow: Workflow, within: Queryable) {
    const scope = scopeOf(caller)
    const { name, stages } = workflow
    await store.lockName(scope, name, within)
    const kept: GateDocumentInfo = {
      id: random.uuid(),
      tenantId: caller.tenantId,
      name,
      version: (await store.latestVersion(scope, name, within)) + 1,
      revisionHash: createHash('sha256').update(yaml).digest('hex'),
      stageCount: stages.length,
      uploadedBy: actorOf(caller),
      createdAt: microsOf(clock.now()),
    }
    await store.insert({ ...kept, yamlBytes: Buffer.from(yaml) }, within)
    return kept
  }

  async function requireBundle(scope: TenantScope, name: string, within: Queryable): Promise<void> {
    if ((await bundles.latestVersion(scope, name, within)) === 0) throw new NotFound(`Bundle '${name}' not found`)
  }

  async function inForce(caller: UserCaller | KeyCaller, bundleName: string, env: string) {
    if (caller.kind === 'key' && caller.env !== env)
      throw new Forbidden(`API key is scoped to '${caller.env}', cannot access env '${env}'.`, 'wrong_environment')
    const scope = scopeOf(caller)
    const current = await store.inForce(scope, env, bundleName)
    if (!current) return null
    const document = await store.find(scope, current.name, current.version)
    // Versions are never changed nor deleted: what is in force is there.
    if (!document) throw new Error(`Version ${current.version} of the gates '${current.name}' is gone.`)
    const key = await signing.activeKey(scope, database.db)
    return {
      document,
      signature: key?.sign(document.yamlBytes) ?? null,
      publicKey: key?.publicKey ?? null,
    }
  }

  return {
    async upload(caller, yaml, once = null) {
      const workflow = inspect(yaml)
      return log.transact((within) => idempotency.once(once, within, () => keep(caller, yaml, workflow, within)))
    },
    list: (caller) => store.list(scopeOf(caller)),
    async get(caller, name, version) {
      const document = await store.find(scopeOf(caller), name, version)
      if (!document) throw new NotFound(`Gates '${name}' v${version} not found`)
      return document
    },
    async deploy(caller, { env, bundleName, gates }, once = null) {
      const scope = scopeOf(caller)
      return log.transact((within, emit) =>
        idempotency.once(once, within, async () => {
          await store.lockDeployments(scope, within)
          await requireBundle(scope, bundleName, within)
          if (gates !== null && !(await store.find(scope, gates.name, gates.version, within)))
            throw new InvalidInput(`Gates '${gates.name}' version ${gates.version} not found`, 'gates_not_found')
          const deployment: GateDeployment = {
            id: random.uuid(),
            tenantId: caller.tenantId,
            env,
            bundleName,
            gates,
            deployedBy: actorOf(caller),
            createdAt: microsOf(clock.now()),
          }
          await store.insertDeployment(deployment, within)
          emit({
            tenantId: caller.tenantId,
            type: 'gates_update',
            data: { bundle_name: bundleName, gates_name: gates?.name ?? null, version: gates?.version ?? null },
            env,
            bundleName,
            dashboard: true,
          })
          return deployment
        }),
      )
    },
    async deployments(caller, bundleName, env) {
      await requireBundle(scopeOf(caller), bundleName, database.db)
      return store.deployments(scopeOf(caller), { env, bundleName, limit: MOST_DEPLOYMENTS })
    },
    inForce,
    async ofBundle(caller, bundleName, env) {
      const found = await inForce(caller, bundleName, env)
      if (found === null) await requireBundle(scopeOf(caller), bundleName, database.db)
      return found
    },
  }
}

/** Load the document in full. @throws InvalidInput. */
function inspect(yaml: string): Workflow {
  if (!yaml.isWellFormed()) throw refused('the text holds half a surrogate pair, which has no UTF-8 form')
  let workflow: Workflow
  try {
    workflow = loadWorkflow(yaml)
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error))
  }
  if (workflow.name.length > LONGEST_NAME)
    throw refused(`metadata.name has ${workflow.name.length} characters; at most ${LONGEST_NAME} are taken`)
  return workflow
}

const refused = (problem: string): InvalidInput =>
  new InvalidInput([{ loc: ['body', 'yaml_content'], msg: `Value error, ${problem}` }], 'invalid_gates')
