import type { ContractIssue } from '@lictor/contracts'
import type { ReaderIssue } from '@lictor/contracts/authoring'
import type { Idempotency, OnceKey } from '../../changes/idempotency/idempotency.ts'
import type { Emit, StreamLog } from '../../changes/stream-log.ts'
import { Forbidden, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type KeyCaller, type UserCaller } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Queryable } from '../../storage/database.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { Offers } from '../rulesets/offers.ts'
import type { Signing } from '../signing/signing.ts'
import type { DeployedVersions } from './deployed.ts'
import { type InspectedBundle, inspectBundle } from './inspect.ts'
import type { Bundle, BundleInfo, BundleStore, VersionsOfName } from './store.ts'

export interface BundleSummary extends VersionsOfName {
  readonly deployedEnvs: readonly string[]
  readonly lastDeployedAt: Micros | null
}

/** What an upload answers with. */
export interface UploadedBundle {
  readonly bundle: BundleInfo
  /** What to know before deploying it. */
  readonly warnings: readonly ContractIssue[]
  /** What keeps agents with certain SDKs from loading it. */
  readonly readerIssues: readonly ReaderIssue[]
}

export interface Bundles {
  /**
   * Store a new version of the name in the document; with `once`, one version for all repetitions of the request.
   * @throws InvalidInput with every problem of the document.
   */
  upload(caller: UserCaller, yaml: string, once?: OnceKey | null): Promise<UploadedBundle>
  list(caller: UserCaller | KeyCaller): Promise<BundleSummary[]>
  /** Newest first, each with the environments it is deployed to now. @throws NotFound. */
  versions(caller: UserCaller, name: string): Promise<(BundleInfo & { deployedEnvs: string[] })[]>
  /** @throws NotFound, also for a key whose environment does not run this version now. */
  get(caller: UserCaller | KeyCaller, name: string, version: number): Promise<Bundle>
  /** @throws Forbidden for a key of another environment, NotFound when nothing is deployed. */
  getCurrent(
    caller: UserCaller | KeyCaller,
    name: string,
    env: string,
  ): Promise<{ bundle: Bundle; publicKey: Uint8Array | null }>
  /** The same, with the bytes, hash and signature that agents which read only rulesets are given. @throws as `getCurrent`; NotFound for a document that does not load any more. */
  getOffered(
    caller: UserCaller | KeyCaller,
    name: string,
    env: string,
  ): Promise<{ bundle: Bundle; publicKey: Uint8Array | null }>
}

export function createBundles(deps: {
  store: BundleStore
  deployments: DeployedVersions
  signing: Signing
  offers: Pick<Offers, 'of' | 'inForce'>
  log: StreamLog
  idempotency: Idempotency
  clock: Clock
  random: Random
}): Bundles {
  const { store, deployments, signing, offers, log, idempotency, clock, random } = deps
  /** Keep a document that was found sound as the next version of its name, and tell. */
  async function keep(
    caller: UserCaller,
    yaml: string,
    { name, contractCount, revisionHash }: InspectedBundle,
    within: Queryable,
    emit: Emit,
  ): Promise<BundleInfo> {
    const uploadedBy = actorOf(caller)
    await store.lockName(scopeOf(caller), name, within)
    const version = (await store.latestVersion(scopeOf(caller), name, within)) + 1
    const bundle: BundleInfo = {
      id: random.uuid(),
      tenantId: caller.tenantId,
      name,
      version,
      revisionHash,
      signature: null,
      contractCount,
      sourceHubSlug: null,
      sourceHubRevision: null,
      uploadedBy,
      createdAt: microsOf(clock.now()),
    }
    const content = { yamlBytes: Buffer.from(yaml), compositionId: null, compositionSnapshot: null }
    await store.insert({ ...bundle, ...content }, within)
    // Made now: what is offered once never changes, whatever a later version would make of the document.
    await offers.of({ ...bundle, ...content }, within)
    emit({
      tenantId: caller.tenantId,
      type: 'bundle_uploaded',
      data: { bundle_name: name, version, revision_hash: revisionHash, uploaded_by: uploadedBy },
      dashboard: true,
    })
    return bundle
  }

  async function getCurrent(caller: UserCaller | KeyCaller, name: string, env: string) {
    if (caller.kind === 'key' && caller.env !== env)
      throw new Forbidden(`API key is scoped to '${caller.env}', cannot access env '${env}'.`, 'wrong_environment')
    const bundle = await deployments.currentBundle(scopeOf(caller), env, name)
    if (!bundle) throw new NotFound(`No deployed bundle '${name}' for env '${env}'`)
    return { bundle, publicKey: await signing.activePublicKey(scopeOf(caller)) }
  }

  return {
    async upload(caller, yaml, once = null) {
      const before = await idempotency.answered<UploadedBundle>(once)
      if (before) return before
      if (!yaml.isWellFormed())
        throw new InvalidInput([
          {
            loc: ['body', 'yaml_content'],
            msg: 'Value error, the text holds half a surrogate pair, which has no UTF-8 form',
          },
        ])
      const inspected = inspectBundle(yaml)
      return log.transact((within, emit) =>
        idempotency.once(once, within, async () => ({
          bundle: await keep(caller, yaml, inspected, within, emit),
          warnings: inspected.warnings,
          readerIssues: inspected.readerIssues,
        })),
      )
    },

    async list(caller) {
      const env = caller.kind === 'key' ? caller.env : null
      const [names, deployed] = await Promise.all([
        store.summaries(scopeOf(caller), env),
        deployments.lastDeployed(scopeOf(caller)),
      ])
      return names.map((versions) => {
        const where = deployed.filter((one) => one.bundleName === versions.name && (env === null || one.env === env))
        return {
          ...versions,
          deployedEnvs: where.map((one) => one.env).sort(),
          lastDeployedAt: where.length === 0 ? null : Math.max(...where.map((one) => one.lastAt)),
        }
      })
    },

    async versions(caller, name) {
      const [versions, current] = await Promise.all([
        store.versions(scopeOf(caller), name),
        deployments.current(scopeOf(caller), { bundleName: name }),
      ])
      if (versions.length === 0) throw new NotFound(`Bundle '${name}' not found`)
      return versions.map((bundle) => ({
        ...bundle,
        deployedEnvs: current
          .filter((one) => one.bundleVersion === bundle.version)
          .map((one) => one.env)
          .sort(),
      }))
    },

    async get(caller, name, version) {
      const bundle = await store.find(scopeOf(caller), name, version)
      const isVisible =
        bundle !== undefined &&
        (caller.kind === 'user' ||
          (await deployments.current(scopeOf(caller), { env: caller.env, bundleName: name })).some(
            (one) => one.bundleVersion === version,
          ))
      if (!bundle || !isVisible) throw new NotFound(`Bundle '${name}' v${version} not found`)
      return bundle
    },

    getCurrent,
    async getOffered(caller, name, env) {
      const { bundle, publicKey } = await getCurrent(caller, name, env)
      const offer = await offers.inForce(bundle)
      if (offer === null) throw new NotFound(`Bundle '${name}' v${bundle.version} cannot be read as a Ruleset`)
      const { revisionHash, yamlBytes, signature } = offer
      return { bundle: { ...bundle, revisionHash, yamlBytes, signature }, publicKey }
    },
  }
}
