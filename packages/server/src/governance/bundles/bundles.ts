import type { ContractIssue } from '@lictor/contracts'
import { Forbidden, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf, type KeyCaller, type UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { BundleRow } from '../../storage/schema.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { Signing } from '../signing/signing.ts'
import type { StreamLog } from '../stream/log.ts'
import { inspectBundle } from './inspect.ts'
import type { BundleInfo, BundleStore, BundleSummaryRow } from './store.ts'

/** A bundle as an environment runs it. */
export interface CurrentBundle {
  readonly name: string
  readonly version: number
  /** Lower-case hex SHA-256 of `yamlBytes`; what agents report as `policy_version`. */
  readonly revisionHash: string
  readonly yamlBytes: Uint8Array
}

export interface BundleSummary extends BundleSummaryRow {
  readonly deployed_envs: readonly string[]
  readonly last_deployed_at: number | null
}

export interface Bundles {
  /** Store a new version of the name in the document. @throws InvalidInput with every problem of the document. */
  upload(caller: UserCaller, yaml: string): Promise<{ row: BundleRow; warnings: readonly ContractIssue[] }>
  list(caller: UserCaller | KeyCaller): Promise<BundleSummary[]>
  /** Newest first, each with the environments it is deployed to now. @throws NotFound. */
  versions(caller: UserCaller, name: string): Promise<(BundleInfo & { deployed_envs: string[] })[]>
  /** @throws NotFound, also for a key whose environment does not run this version now. */
  get(caller: UserCaller | KeyCaller, name: string, version: number): Promise<BundleRow>
  /** @throws Forbidden for a key of another environment, NotFound when nothing is deployed. */
  getCurrent(
    caller: UserCaller | KeyCaller,
    name: string,
    env: string,
  ): Promise<{ row: BundleRow; publicKey: Uint8Array | null }>
  /** What the environment runs under this name, or null. */
  currentFor(tenantId: string, env: string, name: string): Promise<CurrentBundle | null>
}

export function bundles(deps: {
  store: BundleStore
  deployments: DeploymentStore
  signing: Signing
  log: StreamLog
  clock: Clock
  random: Random
}): Bundles {
  const { store, deployments, signing, log, clock, random } = deps
  return {
    async upload(caller, yaml) {
      if (!yaml.isWellFormed())
        throw new InvalidInput([
          {
            loc: ['body', 'yaml_content'],
            msg: 'Value error, the text holds half a surrogate pair, which has no UTF-8 form',
          },
        ])
      const { name, contractCount, revisionHash: revision_hash, warnings } = inspectBundle(yaml)
      const yaml_bytes = Buffer.from(yaml)
      const uploaded_by = actorOf(caller)
      const row = await log.transact(async (within, emit) => {
        await store.lockName(caller.tenantId, name, within)
        const version = (await store.latestVersion(caller.tenantId, name, within)) + 1
        const row: BundleRow = {
          id: random.uuid(),
          tenant_id: caller.tenantId,
          name,
          version,
          revision_hash,
          yaml_bytes,
          signature: null,
          contract_count: contractCount,
          source_hub_slug: null,
          source_hub_revision: null,
          uploaded_by,
          composition_id: null,
          composition_snapshot: null,
          created_at: microsOf(clock.now()),
        }
        await store.insert(row, within)
        emit({
          tenantId: caller.tenantId,
          type: 'bundle_uploaded',
          data: { bundle_name: name, version, revision_hash, uploaded_by },
          dashboard: true,
        })
        return row
      })
      return { row, warnings }
    },

    async list(caller) {
      const env = caller.kind === 'key' ? caller.env : null
      const [rows, deployed] = await Promise.all([
        store.summaries(caller.tenantId, env),
        deployments.lastDeployed(caller.tenantId),
      ])
      return rows.map((row) => {
        const where = deployed.filter((one) => one.bundle_name === row.name && (env === null || one.env === env))
        return {
          ...row,
          deployed_envs: where.map((one) => one.env).sort(),
          last_deployed_at: where.length === 0 ? null : Math.max(...where.map((one) => one.last)),
        }
      })
    },

    async versions(caller, name) {
      const [rows, current] = await Promise.all([
        store.versions(caller.tenantId, name),
        deployments.current(caller.tenantId, { bundleName: name }),
      ])
      if (rows.length === 0) throw new NotFound(`Bundle '${name}' not found`)
      return rows.map((row) => ({
        ...row,
        deployed_envs: current
          .filter((one) => one.bundle_version === row.version)
          .map((one) => one.env)
          .sort(),
      }))
    },

    async get(caller, name, version) {
      const row = await store.find(caller.tenantId, name, version)
      const isVisible =
        row !== undefined &&
        (caller.kind === 'user' ||
          (await deployments.current(caller.tenantId, { env: caller.env, bundleName: name })).some(
            (one) => one.bundle_version === version,
          ))
      if (!row || !isVisible) throw new NotFound(`Bundle '${name}' v${version} not found`)
      return row
    },

    async getCurrent(caller, name, env) {
      if (caller.kind === 'key' && caller.env !== env)
        throw new Forbidden(`API key is scoped to '${caller.env}', cannot access env '${env}'.`, 'wrong_environment')
      const row = await deployments.currentBundle(caller.tenantId, env, name)
      if (!row) throw new NotFound(`No deployed bundle '${name}' for env '${env}'`)
      return { row, publicKey: await signing.activePublicKey(caller.tenantId) }
    },

    async currentFor(tenantId, env, name) {
      const row = await deployments.currentBundle(tenantId, env, name)
      if (!row) return null
      return { name, version: row.version, revisionHash: row.revision_hash, yamlBytes: row.yaml_bytes }
    },
  }
}
