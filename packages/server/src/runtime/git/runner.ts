import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import type { Egress, EgressDoor, RefusedAccess } from '../../ports/egress.ts'
import type { Random } from '../../ports/random.ts'
import { type Instance, type InstanceExit, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { gitScriptPath } from '../bootstrap/index.ts'
import { createPlaces } from '../executions/places.ts'
import type { Host } from '../host.ts'
import { createMask } from '../masking/mask.ts'
import type { GitRef } from './binding.ts'

/** What git is to do in a tree. */
export type GitJob = {
  readonly url: string
  readonly isShallow: boolean
  readonly sparsePaths: readonly string[]
} & (
  | { readonly kind: 'clone'; readonly ref: GitRef | null }
  | { readonly kind: 'refresh'; readonly ref: GitRef }
  | { readonly kind: 'status' }
  | { readonly kind: 'diff'; readonly isStaged: boolean }
  | {
      readonly kind: 'commit'
      readonly message: string
      /** `seconds` since the Unix epoch. */
      readonly author: { readonly name: string; readonly email: string; readonly seconds: number }
    }
  | { readonly kind: 'push'; readonly target: string | null }
)

export interface GitLogin {
  readonly username: string
  readonly password: string
}

export interface GitSurroundings {
  /** The tree, which nothing else works in. */
  readonly folder: string
  /** Bytes that it may take. */
  readonly room: number
  /** What the repository is reached with; null: nothing, or the job reaches none. */
  readonly login: GitLogin | null
  readonly onRefused: (refused: RefusedAccess) => void
  readonly signal: AbortSignal
}

/** Git, in a sandbox that sees the tree and reaches the repository's host alone. */
export interface GitRunner {
  /** @throws GitUnavailable saying what is missing on this machine */
  requireReady(): Promise<void>
  /** What the job came to. @throws GitFailed, GitUnavailable, and the signal's reason when it fires */
  run(job: GitJob, surroundings: GitSurroundings): Promise<Readonly<Record<string, unknown>>>
}

/** Git could not do it; the message says why and holds no secret. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed'
}

/** This server cannot run git at all. */
export class GitUnavailable extends Error {
  override readonly name = 'GitUnavailable'
}

const MOST_AT_ONCE = 4
const MEMORY_BYTES = 1024 ** 3
const PROCESSES = 64
const OUTPUT_BYTES = 2 * 1024 ** 2
export const LONGEST_JOB_MS = 600_000
/** What an instance ends with that made its workspace too large. */
const TOO_MUCH_DISK = 153
/** A file that grows to the last byte of the room must be seen to be too large. */
const BEYOND = 1024 ** 2
const reaching: readonly GitJob['kind'][] = ['clone', 'refresh', 'push']

export function findGit(): string | null {
  return ['/usr/bin/git', '/usr/local/bin/git'].find((path) => existsSync(path)) ?? null
}

/**
 * @param deps.authorities certificates, in PEM, that repositories may be signed by beside those that the machine trusts
 * @param deps.program where git is on this machine; null: it is not
 */
export function createGitRunner(deps: {
  host: Pick<Host, 'sandboxFor' | 'gateway'>
  egress: Egress
  clock: Clock
  random: Random
  authorities: string
  program: () => string | null
}): GitRunner {
  const { host, egress, clock, random, authorities, program } = deps
  const places = createPlaces(MOST_AT_ONCE)

  async function sandbox(): Promise<Sandbox> {
    if (program() === null)
      throw new GitUnavailable(
        'There is no git in /usr/bin or /usr/local/bin of the machine of this server. Install it there.',
      )
    const usual = await host.sandboxFor('inherit')
    const { isolation, hasImages, name } = usual
    if (hasImages || !isolation.files || !isolation.network)
      throw new GitUnavailable(
        `Tools over git repositories run in bubblewrap alone, and the sandbox of this server is '${name}'. Install the package 'bubblewrap', and set LICTOR_SANDBOX to bubblewrap or auto.`,
      )
    return usual
  }

  /** Only the repository's own host. */
  function openDoor(url: URL, onRefused: (refused: RefusedAccess) => void): Promise<EgressDoor> {
    const { socket } = host.gateway()
    if (socket === null) throw new GitUnavailable('The dispatch gateway of this server has no socket.')
    const port = Number(url.port || 443)
    const refusal = (asked: string, at: number) =>
      asked === url.hostname && at === port
        ? null
        : `The repository is at ${url.hostname}:${port}, and git was led to ${asked}:${at}.`
    return egress.open({ folder: dirname(socket), policy: { refusal }, onRefused })
  }

  async function ended(instance: Instance, signal: AbortSignal): Promise<InstanceExit> {
    const late = Promise.withResolvers<'late'>()
    const cancel = clock.after(LONGEST_JOB_MS, () => late.resolve('late'))
    const gone = Promise.withResolvers<'gone'>()
    const leave = () => gone.resolve('gone')
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    try {
      const first = await Promise.race([instance.exited, late.promise, gone.promise])
      if (first === 'gone') throw signal.reason
      if (first === 'late') throw new GitFailed(`It took longer than ${LONGEST_JOB_MS / 1000} seconds.`)
      return first
    } finally {
      cancel()
      signal.removeEventListener('abort', leave)
      await instance.stop(0)
    }
  }

  return {
    requireReady: async () => void (await sandbox()),
    async run(job, { folder, room, login, onRefused, signal }) {
      const chosen = await sandbox()
      const url = new URL(job.url)
      const refusals: RefusedAccess[] = []
      const place = await places.take(signal)
      let door: EgressDoor | null = null
      try {
        if (reaching.includes(job.kind))
          door = await openDoor(url, (refused) => {
            refusals.push(refused)
            onRefused(refused)
          })
        const instance = await chosen.start({
          id: random.uuid(),
          interpreter: 'node',
          script: gitScriptPath,
          args: [],
          input: JSON.stringify({ ...job, credential: login, authorities }),
          env: {},
          workspace: folder,
          gateway: host.gateway(),
          proxy: door?.socket ?? null,
          limits: {
            memory: MEMORY_BYTES,
            processes: PROCESSES,
            fileSize: room + BEYOND,
            workspace: room,
            output: OUTPUT_BYTES,
          },
          signal,
        })
        return resultOf(await ended(instance, signal), { room, login, refusals })
      } catch (error) {
        if (error instanceof SandboxError) throw new GitUnavailable(error.message, { cause: error })
        throw error
      } finally {
        await door?.close()
        place.giveBack()
      }
    },
  }
}

function resultOf(
  exit: InstanceExit,
  { room, login, refusals }: { room: number; login: GitLogin | null; refusals: readonly RefusedAccess[] },
): Readonly<Record<string, unknown>> {
  if (exit.code === TOO_MUCH_DISK)
    throw new GitFailed(`The repository does not fit into the ${room} bytes that its volume may hold.`)
  const answer = answerIn(exit.stdout)
  if (exit.code === 0 && isObject(answer.done)) return answer.done
  const [refused] = refusals
  if (refused) throw new GitFailed(`${refused.host}:${refused.port} may not be reached: ${refused.reason}`)
  const mask = createMask(login === null ? [] : [login.password, basicOf(login)])
  if (typeof answer.failed === 'string') throw new GitFailed(mask.text(answer.failed, true))
  throw new GitFailed(`Git ended with ${exit.code}. ${mask.text(exit.stderr.slice(-1000), true)}`.trim())
}

/** As HTTP carries it, which a host may say back. */
const basicOf = ({ username, password }: GitLogin): string => Buffer.from(`${username}:${password}`).toString('base64')

function answerIn(text: string): { readonly done?: unknown; readonly failed?: unknown } {
  try {
    const answer: unknown = JSON.parse(text)
    return isObject(answer) ? answer : {}
  } catch {
    // It was ended before it answered.
    return {}
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
