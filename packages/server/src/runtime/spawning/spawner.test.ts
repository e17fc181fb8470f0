import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts'
import { systemRandom } from '../../adapters/random/system.ts'
import type { RefusedAccess } from '../../ports/egress.ts'
import { type InstanceSpec, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { createSpawner, type Spawner, type SpawnRequest } from './spawner.ts'

/** An instance of a sandbox that does nothing but tell what became of it. */
interface Seen {
  readonly spec: InstanceSpec
  readonly job: Promise<string>
  place: string
  isEnded: boolean
  end(): void
}

describe('starting instances ahead', () => {
  let home: string
  let clock: ManualClock
  let seen: Seen[]
  let counted: string[]
  let doors: { onRefused: (refused: RefusedAccess) => void; isClosed: boolean }[]
  let fails: boolean
  let spawner: Spawner

  const sandbox: Sandbox = {
    name: 'bubblewrap',
    isolation: { files: true, network: true, processes: true },
    hasImages: false,
    workspaceOf: () => '/workspace',
    gatewayOf: () => '',
    reap: async () => 0,
    async start(spec) {
      if (fails) throw new SandboxError('not today')
      const over = Promise.withResolvers<void>()
      const one: Seen = {
        spec,
        job: Promise.resolve(spec.input),
        place: spec.workspace,
        isEnded: false,
        end: () => {
          one.isEnded = true
          over.resolve()
        },
      }
      seen.push(one)
      return {
        id: spec.id,
        exited: over.promise.then(() => ({ code: 0, stdout: '', stderr: '', truncated: false })),
        movedTo: (workspace) => {
          one.place = workspace
        },
        stop: async () => one.end(),
      }
    },
  }

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'lictor-spawner-'))
    clock = manualClock()
    seen = []
    counted = []
    doors = []
    fails = false
    spawner = spawnerOf(8)
  })
  afterEach(async () => {
    await spawner.drain()
    rmSync(home, { recursive: true, force: true })
  })

  const spawnerOf = (most: number) =>
    createSpawner({
      egress: {
        async open({ onRefused }) {
          const door = { onRefused, isClosed: false }
          doors.push(door)
          return {
            socket: '/door.sock',
            close: async () => {
              door.isClosed = true
            },
          }
        },
      },
      clock,
      random: systemRandom,
      logger: { warn: () => {} },
      folder: join(home, 'waiting'),
      most,
      count: (kind) => counted.push(kind),
    })

  let executions = 0
  function requestOf(kind = 'version 1', size = 1, change: Partial<SpawnRequest> = {}): SpawnRequest {
    const workspace = join(home, `execution-${executions++}`)
    mkdirSync(workspace)
    return {
      sandbox,
      spec: {
        id: `cold-${executions}`,
        interpreter: 'node',
        script: '/bootstrap.mjs',
        env: { SECRET: 'of the execution' },
        workspace,
        gateway: { address: '', socket: '/run/gateway.sock' },
        limits: { memory: 1, fileSize: 1, output: 1 },
        executionId: 'execution',
      },
      prompt: 'Do it.',
      policy: { refusal: () => null },
      onRefused: () => {},
      warmth: { agentId: 'agent', kind, size },
      ...change,
    }
  }
  const filled = (number: number) => expect.poll(() => spawner.waiting).toBe(number)

  it('the first execution has an instance of its own, the next the one that waited, told what it is for', async () => {
    const first = await spawner.spawn(requestOf())
    expect(first.isWarm).toBe(false)
    await filled(1)
    const waiting = seen[1] as Seen
    expect(waiting.spec).toMatchObject({ args: [], env: { LICTOR_AWAITS_JOB: '1' } })
    expect(waiting.spec.executionId).toBeUndefined()
    writeFileSync(join(waiting.place, 'made while waiting'), '')
    const request = requestOf()
    const second = await spawner.spawn(request)
    expect(second).toMatchObject({ isWarm: true, instance: { id: waiting.spec.id } })
    expect(JSON.parse(await waiting.job)).toEqual({ env: { SECRET: 'of the execution' }, prompt: 'Do it.' })
    expect(waiting.place).toBe(request.spec.workspace)
    expect(readdirSync(request.spec.workspace)).toEqual(['made while waiting'])
    await filled(1)
    expect(counted).toEqual(['cold', 'warm'])
  })

  it('one that waited has one execution and no other', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    const used = new Set<string>()
    for (let index = 0; index < 5; index++) {
      const { instance, isWarm } = await spawner.spawn(requestOf())
      expect(isWarm).toBe(true)
      used.add(instance.id)
      await filled(1)
    }
    expect(used.size).toBe(5)
  })

  it('two that start at once do not share one', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    const both = await Promise.all([spawner.spawn(requestOf()), spawner.spawn(requestOf())])
    expect(both.filter(({ isWarm }) => isWarm)).toHaveLength(1)
    expect(new Set(both.map(({ instance }) => instance.id)).size).toBe(2)
  })

  it('what its agent is refused while it works is told to the execution it works for', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    const told: RefusedAccess[] = []
    const { isWarm } = await spawner.spawn(requestOf('version 1', 1, { onRefused: (one) => told.push(one) }))
    expect(isWarm).toBe(true)
    doors[1]?.onRefused({ host: 'a.example', port: 443, reason: 'no' })
    expect(told).toEqual([{ host: 'a.example', port: 443, reason: 'no' }])
  })

  it('stopping ends the instance and its way to the network', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    const spawned = await spawner.spawn(requestOf())
    await spawned.stop(0)
    expect([seen[1]?.isEnded, doors[1]?.isClosed]).toEqual([true, true])
  })

  it('another version of the agent has none of the earlier, which end', async () => {
    await spawner.spawn(requestOf('version 1'))
    await filled(1)
    expect((await spawner.spawn(requestOf('version 2'))).isWarm).toBe(false)
    await expect.poll(() => seen[1]?.isEnded).toBe(true)
    await filled(1)
    expect((await spawner.spawn(requestOf('version 2'))).isWarm).toBe(true)
  })

  it('a workspace that holds something already is not exchanged', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    const request = requestOf()
    writeFileSync(join(request.spec.workspace, 'attached'), '')
    expect((await spawner.spawn(request)).isWarm).toBe(false)
    expect(readdirSync(request.spec.workspace)).toEqual(['attached'])
  })

  it('one that ended while it waited is not handed out', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    seen[1]?.end()
    await filled(0)
    expect((await spawner.spawn(requestOf())).isWarm).toBe(false)
  })

  it('no more wait than there may, and none where none is wanted', async () => {
    spawner = spawnerOf(2)
    await spawner.spawn(requestOf('version 1', 5))
    await filled(2)
    await spawner.spawn(requestOf('nothing', 0))
    expect(seen).toHaveLength(4)
    const off = spawnerOf(0)
    await off.spawn(requestOf('version 1', 5))
    expect(off.waiting).toBe(0)
  })

  it('where the place of the workspace on the machine shows, none waits', async () => {
    const plain = {
      ...sandbox,
      name: 'process' as const,
      isolation: { files: false, network: false, processes: false },
    }
    await spawner.spawn(requestOf('version 1', 1, { sandbox: plain }))
    await spawner.spawn(requestOf('version 1', 1, { sandbox: plain }))
    expect([spawner.waiting, counted]).toEqual([0, ['cold', 'cold']])
    expect(doors).toEqual([])
  })

  it('nobody waits half an hour in vain', async () => {
    await spawner.spawn(requestOf())
    await filled(1)
    await clock.advance(31 * 60_000)
    await filled(0)
    await expect.poll(() => [seen[1]?.isEnded, doors[1]?.isClosed]).toEqual([true, true])
    await expect.poll(() => readdirSync(join(home, 'waiting'))).toEqual([])
  })

  it('draining ends those that wait, leaves nothing, and starts none ahead', async () => {
    await spawner.spawn(requestOf('version 1', 3))
    await filled(3)
    await spawner.drain()
    expect(seen.map(({ isEnded }) => isEnded)).toEqual([false, true, true, true])
    expect(readdirSync(join(home, 'waiting'))).toEqual([])
    await spawner.spawn(requestOf('version 1', 3))
    expect(seen).toHaveLength(5)
  })

  it('a start ahead that fails harms nobody, and one for an execution says why', async () => {
    const first = spawner.spawn(requestOf())
    await first
    fails = true
    await expect(spawner.spawn(requestOf('version 9'))).rejects.toThrow('not today')
    expect(doors.at(-1)?.isClosed).toBe(true)
  })

  it('what a server that was killed left of them is removed', async () => {
    mkdirSync(join(home, 'waiting', 'left', 'workspace'), { recursive: true })
    await spawner.clear()
    expect(existsSync(join(home, 'waiting'))).toBe(false)
  })
})
