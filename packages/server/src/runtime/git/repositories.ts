import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Conflict, DomainError, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RefusedAccess } from '../../ports/egress.ts'
import type { Random } from '../../ports/random.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { CredentialRefused, type CredentialUser, type CredentialValues } from '../credentials/values.ts'
import { removeTree } from '../files/own.ts'
import { usageOf } from '../files/usage.ts'
import { bringIn, type Copy, takeOut } from '../mounts/copy.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { type ToolCaller, ToolFailed, type ToolRun } from '../tools/tool.ts'
import type { VolumeFiles } from '../volumes/files.ts'
import { ATTACHMENTS, ownerOf, type Tier, type Volume } from '../volumes/volume.ts'
import type { Volumes } from '../volumes/volumes.ts'
import { BadRepository, type Binding, type GitRef, gitRef, isBrought, refKinds } from './binding.ts'
import { GitFailed, type GitJob, type GitLogin, type GitRunner, GitUnavailable, LONGEST_JOB_MS } from './runner.ts'
import type { BindingStore } from './store.ts'

/** For whom git works, and who hears of it. */
export type GitCall = Pick<ToolRun, 'caller' | 'signal' | 'tell'>

/** A repository with the volume that it is in. */
export interface Repository {
  readonly binding: Binding
  readonly volume: Volume
}

export interface CloneInput {
  readonly repoUrl: string
  readonly label: string
  readonly credentialId: string | null
  readonly ref: GitRef | null
  readonly sparsePaths: readonly string[]
  readonly isShallow: boolean
}

export interface Change {
  /** Two letters, as `git status --porcelain` writes them. */
  readonly status: string
  readonly path: string
}

/**
 * Git repositories in volumes: their files are those of the volume, `.git` included. For each job the volume is copied into a folder
 * of its own, git works there in a sandbox, and what changed is carried back.
 */
export interface Repositories {
  /** All or nothing. @throws ToolFailed, InvalidInput beyond a quota, Conflict for a label that is taken */
  clone(call: GitCall, input: CloneInput): Promise<Repository & { readonly leftOut: readonly string[] }>
  list(caller: ToolCaller): Promise<Repository[]>
  /** @throws NotFound, also for one of somebody else */
  get(caller: ToolCaller, id: string): Promise<Repository>
  status(
    call: GitCall,
    id: string,
  ): Promise<
    Repository & {
      readonly branch: string | null
      readonly commit: string
      readonly unpushed: number
      readonly changes: readonly Change[]
      readonly isCut: boolean
    }
  >
  diff(call: GitCall, id: string, isStaged: boolean): Promise<{ readonly diff: string; readonly isCut: boolean }>
  /** Changes of its own are never undone. @throws ToolFailed where there are some */
  refresh(call: GitCall, id: string): Promise<{ readonly old: string; readonly commit: string }>
  commit(call: GitCall, id: string, message: string): Promise<{ readonly branch: string; readonly commit: string }>
  push(call: GitCall, id: string, branch: string | null): Promise<{ readonly branch: string; readonly commit: string }>
  /** With its volume. @throws Conflict while an execution has that */
  delete(call: GitCall, id: string): Promise<Binding>
  /** Remove what a server that was killed left of its work. */
  clear(): Promise<void>
}

/** A claim outlives the longest job, so that it is never taken from somebody who still works. */
const CLAIM_MICROS = LONGEST_JOB_MS * 3 * 1000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const SHA = /^[0-9a-f]{40,64}$/

export function createRepositories(deps: {
  database: Database
  store: BindingStore
  volumes: () => Pick<Volumes, 'createFor' | 'get' | 'list' | 'delete'>
  files: () => VolumeFiles
  runner: GitRunner
  credentials: Pick<CredentialValues, 'valueFor'>
  /** Who the caller is to whoever owns credentials. */
  userOf: (caller: ToolCaller) => Promise<CredentialUser>
  clock: Clock
  random: Random
  tier: Tier
  /** Of this server alone. */
  folder: string
}): Repositories {
  const { database, store, runner, credentials, userOf, clock, random, tier, folder } = deps
  const now = () => microsOf(clock.now())

  /** Whoever works for longer than a claim lasts has crashed. */
  const settled = <T extends Binding | null>(binding: T): T =>
    binding?.busyUntil != null && binding.busyUntil <= now() ? { ...binding, busyUntil: null } : binding

  async function get(caller: ToolCaller, id: string): Promise<Repository> {
    const asked = id.toLowerCase()
    const binding = UUID.test(asked) ? settled(await store.find(scopeOf(caller.principal), asked)) : null
    const volume = binding && (await deps.volumes().get(caller.principal, binding.volumeId).catch(unlessThere))
    if (!binding || !volume) throw new NotFound(`There is no repository '${id}'.`, 'git_binding_not_found')
    return { binding, volume }
  }

  async function loginFor({ caller, tell }: GitCall, credentialId: string | null): Promise<GitLogin | null> {
    if (credentialId === null) return null
    const user = await userOf(caller)
    try {
      const { id, value, version, provider, metadata } = await credentials.valueFor(user, credentialId)
      const { agentId: agent_id, tenantId: tenant_id } = caller
      await tell([draft('credential_accessed', { binding_id: id, agent_id, tenant_id, version })])
      const named = typeof metadata.username === 'string' && metadata.username !== '' ? metadata.username : null
      if (/[\r\n\0]/.test(`${named}${value}`))
        throw new ToolFailed('credential_binding_id: a name or password of git has one line.')
      return { username: named ?? (provider === 'github' ? 'x-access-token' : 'oauth2'), password: value }
    } catch (error) {
      if (error instanceof CredentialRefused) throw new ToolFailed(`credential_binding_id: ${error.message}.`, 403)
      throw error
    }
  }

  /** Run git in a copy of the volume. What it changed is carried back where the job changes anything at all, and all of it fits. */
  async function work(
    call: GitCall,
    { binding, volume }: Repository,
    job: GitJob,
    login: GitLogin | null,
  ): Promise<{ readonly done: Readonly<Record<string, unknown>>; readonly leftOut: readonly string[] }> {
    const home = join(folder, random.uuid())
    const copy: Copy = { workspace: join(home, 'tree'), components: [], state: join(home, 'tree.json') }
    const refused: RefusedAccess[] = []
    try {
      await mkdir(copy.workspace, { recursive: true, mode: 0o700 })
      await bringIn(deps.files(), volume, copy, isBrought)
      const done = await runner.run(job, {
        folder: copy.workspace,
        room: volume.sizeLimit,
        login,
        signal: call.signal,
        onRefused: (one) => refused.push(one),
      })
      if (job.kind === 'status' || job.kind === 'diff') return { done, leftOut: [] }
      const size = await usageOf(copy.workspace)
      if (size > volume.sizeLimit)
        throw new GitFailed(
          `The repository takes ${size} bytes, and its volume '${volume.label}' may hold ${volume.sizeLimit}.`,
        )
      return { done, leftOut: await takeOut(deps.files(), volume, copy) }
    } catch (error) {
      if (error instanceof GitUnavailable) throw new ToolFailed(error.message, 503, { cause: error })
      if (error instanceof GitFailed)
        throw new ToolFailed(`${binding.repoUrl}: ${error.message}`, null, { cause: error })
      throw error
    } finally {
      await removeTree(home)
      const denied = refused.map(({ host, port, reason }) => draft('network_access_denied', { host, port, reason }))
      if (denied.length > 0) await tellLate(call, denied)
    }
  }

  /** Nobody else works on it meanwhile. */
  async function claimed<T>(
    { binding }: Repository,
    job: () => Promise<{ readonly made: T; readonly change?: Parameters<BindingStore['release']>[1] }>,
  ): Promise<T> {
    if (!(await store.claim(binding.id, now(), now() + CLAIM_MICROS)))
      throw new Conflict('Somebody works on this repository at the moment. Try again.', 'git_binding_busy')
    let change: Parameters<BindingStore['release']>[1]
    try {
      const done = await job()
      change = done.change
      return done.made
    } finally {
      await store.release(binding.id, change)
    }
  }

  async function readied(call: GitCall, id: string): Promise<Repository> {
    const repository = await get(call.caller, id)
    if (repository.binding.commit === null)
      throw new ToolFailed('The repository was not cloned to its end. Delete it, and clone it anew.')
    return repository
  }

  const jobIn = ({ repoUrl, isShallow, sparsePaths }: Binding) => ({ url: repoUrl, isShallow, sparsePaths })

  /** Make the volume and the binding, as one. */
  async function bind({ caller: { principal, tenantId } }: GitCall, input: CloneInput): Promise<Repository> {
    const owner = ownerOf(principal)
    if (input.label.trim() === ATTACHMENTS)
      throw new Conflict(`The label '${ATTACHMENTS}' is reserved. Choose another.`, 'volume_label_reserved')
    if (input.sparsePaths.length > 0 && !tier.hasSparseClones)
      throw new InvalidInput('LICTOR_VOLUME_TIER allows no sparse_paths. Leave them out.', 'git_sparse_not_allowed')
    return database.db.transaction().execute(async (within) => {
      const made = { label: input.label, sizeLimit: null }
      const volume = await deps.volumes().createFor(tenantId, actorOf(principal), owner, made, within)
      if ((await store.count(scopeOf(principal), owner, within)) >= tier.repositories)
        throw new InvalidInput(
          `LICTOR_VOLUME_TIER allows ${tier.repositories} repositories. Delete one first.`,
          'git_binding_quota_exceeded',
        )
      const binding: Binding = {
        id: random.uuid(),
        tenantId,
        volumeId: volume.id,
        repoUrl: input.repoUrl,
        ref: input.ref ?? { kind: 'branch', value: '' },
        credentialId: input.credentialId,
        sparsePaths: input.sparsePaths,
        isShallow: input.isShallow,
        commit: null,
        busyUntil: now() + CLAIM_MICROS,
        createdBy: actorOf(principal),
        createdAt: now(),
        refreshedAt: null,
      }
      await store.insert(binding, within)
      return { binding, volume }
    })
  }

  /** Of a clone that came to nothing, nothing stays. */
  async function forget({ caller }: GitCall, { binding, volume }: Repository): Promise<void> {
    await store.delete(binding.id)
    await deps.volumes().delete(caller.principal, volume.id).catch(unlessThere)
  }

  return {
    get,
    async clone(call, input) {
      await runner.requireReady().catch((error: unknown) => {
        throw error instanceof GitUnavailable ? new ToolFailed(error.message, 503, { cause: error }) : error
      })
      const login = await loginFor(call, input.credentialId)
      const repository = await bind(call, input)
      const { binding, volume } = repository
      const { id } = binding
      try {
        await call.tell([
          draft('git_repo_binding_created', {
            id,
            repo_url: binding.repoUrl,
            git_ref: input.ref,
            volume_id: volume.id,
          }),
          draft('git_repo_clone_started', {
            id,
            volume_id: volume.id,
            strategy: input.sparsePaths.length > 0 ? 'sparse' : input.isShallow ? 'shallow' : 'full',
          }),
        ])
        const began = clock.now()
        const { done, leftOut } = await work(
          call,
          repository,
          { ...jobIn(binding), kind: 'clone', ref: input.ref },
          login,
        )
        const [ref, commit] = [refIn(done.ref), shaIn(done.commit)]
        await store.release(id, { ref, commit })
        await call.tell([
          draft('git_repo_clone_completed', { id, commit_sha: commit, duration_ms: clock.now() - began }),
        ])
        return { ...(await get(call.caller, id)), leftOut }
      } catch (error) {
        await forget(call, repository)
        await tellLate(call, [draft('git_repo_clone_failed', { id, error: reasonOf(error) })])
        throw error
      }
    },
    async list({ principal }) {
      const volumes = new Map((await deps.volumes().list(principal)).map((volume) => [volume.id, volume]))
      const bindings = await store.list(scopeOf(principal), ownerOf(principal))
      return bindings.flatMap((binding) => {
        const volume = volumes.get(binding.volumeId)
        return volume ? [{ binding: settled(binding), volume }] : []
      })
    },
    async status(call, id) {
      const repository = await readied(call, id)
      const { done } = await work(call, repository, { ...jobIn(repository.binding), kind: 'status' }, null)
      return {
        ...repository,
        branch: typeof done.branch === 'string' ? done.branch : null,
        commit: shaIn(done.commit),
        unpushed: Number(done.unpushed),
        changes: changesIn(done.changes),
        isCut: done.isCut === true,
      }
    },
    async diff(call, id, isStaged) {
      const repository = await readied(call, id)
      const { done } = await work(call, repository, { ...jobIn(repository.binding), kind: 'diff', isStaged }, null)
      return { diff: String(done.diff), isCut: done.isCut === true }
    },
    async refresh(call, id) {
      const repository = await readied(call, id)
      const { binding } = repository
      const login = await loginFor(call, binding.credentialId)
      return claimed(repository, async () => {
        await call.tell([draft('git_repo_refresh_started', { id: binding.id })])
        const began = clock.now()
        try {
          const job = { ...jobIn(binding), kind: 'refresh', ref: binding.ref } as const
          const { done } = await work(call, repository, job, login)
          const [old, commit] = [shaIn(done.old), shaIn(done.commit)]
          await call.tell([
            draft('git_repo_refresh_completed', {
              id: binding.id,
              old_commit_sha: old,
              new_commit_sha: commit,
              duration_ms: clock.now() - began,
            }),
          ])
          return { made: { old, commit }, change: { commit, refreshedAt: now() } }
        } catch (error) {
          await tellLate(call, [draft('git_repo_refresh_failed', { id: binding.id, error: reasonOf(error) })])
          throw error
        }
      })
    },
    async commit(call, id, message) {
      const repository = await readied(call, id)
      const author = { ...authorOf(await userOf(call.caller)), seconds: Math.floor(clock.now() / 1000) }
      return claimed(repository, async () => {
        const job = { ...jobIn(repository.binding), kind: 'commit', message, author } as const
        const { done } = await work(call, repository, job, null)
        const commit = shaIn(done.commit)
        await call.tell([draft('git_repo_commit_made', { id: repository.binding.id, commit_sha: commit })])
        return { made: { branch: String(done.branch), commit }, change: { commit } }
      })
    },
    async push(call, id, target) {
      const repository = await readied(call, id)
      const { binding } = repository
      const login = await loginFor(call, binding.credentialId)
      return claimed(repository, async () => {
        const { done } = await work(call, repository, { ...jobIn(binding), kind: 'push', target }, login)
        const made = { branch: String(done.branch), commit: shaIn(done.commit) }
        await call.tell([draft('git_repo_push_completed', { id: binding.id, remote: 'origin', ref_name: made.branch })])
        return { made }
      })
    },
    async delete(call, id) {
      const repository = await get(call.caller, id)
      const { binding, volume } = repository
      await claimed(repository, async () => {
        await deps.volumes().delete(call.caller.principal, volume.id)
        await store.delete(binding.id)
        return { made: null }
      })
      await call.tell([draft('git_repo_binding_deleted', { id: binding.id, volume_id: volume.id })])
      return binding
    },
    clear: () => removeTree(folder),
  }
}

/** The failure of what went before is what counts. */
async function tellLate({ tell, signal }: GitCall, events: readonly EventDraft[]): Promise<void> {
  if (!signal.aborted) await tell(events)
}

function unlessThere(error: unknown): null {
  if (error instanceof NotFound) return null
  throw error
}

const reasonOf = (error: unknown): string =>
  error instanceof ToolFailed || error instanceof DomainError ? error.message : 'This server failed.'

/** An agent signs with its own name; whoever calls by hand with theirs. */
function authorOf({ agentId, agentName, startedBy }: CredentialUser): { name: string; email: string } {
  const plain = (text: string) => text.replace(/[<>\p{Cc}]/gu, '').trim()
  const address = /^[^\s<>@]+@[^\s<>@]+$/.test(startedBy) ? startedBy : 'nobody@lictor.invalid'
  return { name: plain(agentName) || 'lictor', email: agentId === '' ? address : `${agentId}@lictor.invalid` }
}

function shaIn(value: unknown): string {
  if (typeof value === 'string' && SHA.test(value)) return value
  throw new ToolFailed('Git answered with what is no commit.')
}

function changesIn(value: unknown): Change[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : []
  return entries.map((entry) => {
    const { status, path } = (entry ?? {}) as { status?: unknown; path?: unknown }
    return { status: String(status), path: String(path) }
  })
}

function refIn(value: unknown): GitRef {
  const { kind, value: name } = (value ?? {}) as { kind?: unknown; value?: unknown }
  const known = refKinds.find((one) => one === kind)
  try {
    if (known !== undefined && typeof name === 'string') return gitRef({ kind: known, value: name })
  } catch (error) {
    if (!(error instanceof BadRepository)) throw error
  }
  throw new ToolFailed('Git answered with what is no branch, tag or commit.')
}
