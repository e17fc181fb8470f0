import { mkdir, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../ports/clock.ts'
import type { Egress, EgressDoor, EgressPolicy, RefusedAccess } from '../../ports/egress.ts'
import type { Random } from '../../ports/random.ts'
import type { Instance, InstanceSpec, Sandbox } from '../../ports/sandbox.ts'
import { removeTree } from '../files/own.ts'

/** What an attempt needs of its instance. */
export interface SpawnRequest {
  readonly sandbox: Sandbox
  /** Without the proxy, which is opened as `policy` says. */
  readonly spec: Omit<InstanceSpec, 'proxy' | 'args' | 'input'>
  readonly prompt: string
  /** The hosts that the agent reaches; null: none. */
  readonly policy: EgressPolicy | null
  readonly onRefused: (refused: RefusedAccess) => void
  /** Keeps instances of this agent waiting; null: does not. */
  readonly warmth: Warmth | null
}

export interface Warmth {
  readonly agentId: string
  /** The same for executions whose instances may stand in for each other before they have begun. */
  readonly kind: string
  /** Instances that wait. */
  readonly size: number
}

export interface Spawned {
  readonly instance: Instance
  /** It had been waiting. */
  readonly isWarm: boolean
  /** End it and its way to the network. */
  stop(graceMilliseconds: number): Promise<void>
}

/** Starts the instances of attempts, some of them before they are needed. One that waited has one execution, and ends with it. */
export interface Spawner {
  /** @throws SandboxError when it cannot be started. */
  spawn(request: SpawnRequest): Promise<Spawned>
  /** Instances that wait. */
  readonly waiting: number
  /** Remove what a server that was killed left of instances that waited. */
  clear(): Promise<void>
  /** End those that wait; none is started ahead any more. */
  drain(): Promise<void>
}

/** An instance whose bootstrap waits to be told what it is for. */
interface Waiting {
  readonly agentId: string
  readonly kind: string
  readonly instance: Instance
  readonly door: EgressDoor | null
  readonly workspace: string
  isGone: boolean
  onRefused: (refused: RefusedAccess) => void
  readonly begin: (job: string) => void
  readonly forget: () => void
}

/** An agent that nobody has called for this long has nobody waiting. */
const IDLE_MS = 30 * 60_000
const LARGEST_ARGUMENT = 100_000

/**
 * @param deps.folder where the workspaces of those that wait are: on the file system of the executions' own
 * @param deps.most instances that wait at once, of all agents together
 */
export function createSpawner(deps: {
  egress: Egress
  clock: Clock
  random: Random
  logger: Pick<Logger, 'warn'>
  folder: string
  most: number
  count: (kind: 'warm' | 'cold') => void
}): Spawner {
  const { egress, clock, random, logger, folder, most, count } = deps
  const waiting = new Set<Waiting>()
  /** Of each kind, how many are being started. */
  const starting = new Map<string, number>()
  const work = new Set<Promise<void>>()
  let isStopped = false

  const openDoor = async (request: SpawnRequest, onRefused: (refused: RefusedAccess) => void) => {
    const { socket } = request.spec.gateway
    if (request.policy === null || socket === null || !request.sandbox.isolation.network) return null
    return egress.open({ folder: dirname(socket), policy: request.policy, onRefused })
  }

  async function startCold(request: SpawnRequest): Promise<Spawned> {
    const { sandbox, spec, prompt } = request
    const door = await openDoor(request, request.onRefused)
    const fitsArgument = Buffer.byteLength(prompt) <= LARGEST_ARGUMENT && !prompt.includes('\0')
    try {
      const instance = await sandbox.start({
        ...spec,
        args: fitsArgument ? [prompt] : [],
        input: fitsArgument ? '' : prompt,
        proxy: door?.socket ?? null,
      })
      return spawnedBy(instance, door, false)
    } catch (error) {
      await door?.close()
      throw error
    }
  }

  /** One that waits is handed the workspace's place, its environment and its prompt. Null when there is none that can. */
  async function claim(request: SpawnRequest, warmth: Warmth): Promise<Spawned | null> {
    const { spec, prompt } = request
    // What was put into the workspace before is not in that of one that waits.
    if ((await readdir(spec.workspace)).length > 0) return null
    const one = [...waiting].find((candidate) => candidate.kind === warmth.kind && !candidate.isGone)
    if (!one) return null
    one.forget()
    try {
      await rename(one.workspace, spec.workspace)
      await removeTree(dirname(one.workspace))
    } catch (error) {
      logger.warn({ err: error }, 'the workspace of an instance that waited could not be taken')
      await end(one)
      return null
    }
    one.instance.movedTo(spec.workspace)
    one.onRefused = request.onRefused
    one.begin(JSON.stringify({ env: spec.env, prompt }))
    return spawnedBy(one.instance, one.door, true)
  }

  async function startWaiting(request: SpawnRequest, { agentId, kind }: Warmth): Promise<void> {
    const id = random.uuid()
    const workspace = join(folder, id, 'workspace')
    await mkdir(workspace, { recursive: true, mode: 0o700 })
    const job = Promise.withResolvers<string>()
    const hear: { onRefused: (refused: RefusedAccess) => void } = { onRefused: () => {} }
    const door = await openDoor(request, (refused) => hear.onRefused(refused))
    try {
      const { executionId: _none, signal: _never, onPull: _nobody, ...spec } = request.spec
      const instance = await request.sandbox.start({
        ...spec,
        id,
        workspace,
        args: [],
        input: job.promise,
        env: { LICTOR_AWAITS_JOB: '1' },
        proxy: door?.socket ?? null,
      })
      const cancel = clock.after(IDLE_MS, () => discard(one))
      const one: Waiting = {
        agentId,
        kind,
        instance,
        door,
        workspace,
        isGone: false,
        get onRefused() {
          return hear.onRefused
        },
        set onRefused(listener) {
          hear.onRefused = listener
        },
        begin: job.resolve,
        forget() {
          cancel()
          waiting.delete(one)
        },
      }
      waiting.add(one)
      void instance.exited.then(() => {
        one.isGone = true
        if (waiting.has(one)) discard(one)
      })
      if (isStopped) discard(one)
    } catch (error) {
      await door?.close()
      await removeTree(dirname(workspace))
      throw error
    }
  }

  /** Start as many as the agent wants, and those of its earlier versions no longer. */
  function fill(request: SpawnRequest, warmth: Warmth): void {
    const { agentId, kind, size } = warmth
    for (const one of [...waiting]) if (one.agentId === agentId && one.kind !== kind) discard(one)
    const under = () => starting.get(kind) ?? 0
    const there = () => [...waiting].filter((one) => one.kind === kind).length
    const all = () => waiting.size + [...starting.values()].reduce((sum, number) => sum + number, 0)
    while (!isStopped && there() + under() < size && all() < most) {
      starting.set(kind, under() + 1)
      background(
        startWaiting(request, warmth)
          .catch((err: unknown) => logger.warn({ err, agent_id: agentId }, 'an instance could not be started ahead'))
          .finally(() => starting.set(kind, under() - 1)),
      )
    }
  }

  function background(promise: Promise<void>): void {
    work.add(promise)
    void promise.finally(() => work.delete(promise))
  }

  function discard(one: Waiting): void {
    one.forget()
    background(end(one).catch((err: unknown) => logger.warn({ err }, 'an instance that waited could not be ended')))
  }

  async function end(one: Waiting): Promise<void> {
    await one.instance.stop(0)
    await one.door?.close()
    await removeTree(dirname(one.workspace))
  }

  return {
    get waiting() {
      return waiting.size
    },
    async spawn(request) {
      // Where the workspace's place on this machine shows inside, it cannot be exchanged.
      const warmth = request.sandbox.isolation.files ? request.warmth : null
      if (warmth === null || warmth.size === 0 || most === 0) {
        count('cold')
        return startCold(request)
      }
      const started = (await claim(request, warmth)) ?? (await startCold(request))
      count(started.isWarm ? 'warm' : 'cold')
      fill(request, warmth)
      return started
    },
    clear: () => removeTree(folder),
    async drain() {
      isStopped = true
      for (const one of [...waiting]) discard(one)
      while (work.size > 0) await Promise.all(work)
    },
  }
}

function spawnedBy(instance: Instance, door: EgressDoor | null, isWarm: boolean): Spawned {
  return {
    instance,
    isWarm,
    async stop(graceMilliseconds) {
      await instance.stop(graceMilliseconds)
      await door?.close()
    },
  }
}
