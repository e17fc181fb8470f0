import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeContext } from '../deploy/image.ts'
import { dockerProblem, startEngine, type TestEngine } from '../packages/server/test/docker.ts'
import { debianProblem, importRoot, makeDebian } from './support/debian.ts'
import { freshClone } from './support/fresh-clone.ts'

/** Making a Debian, packing and installing are no matter of this suite's patience. */
const LIMIT = 1_800_000
const BASE = 'lictor/debian:1'
const IMAGE = 'lictor/image:1'

describe.skipIf(dockerProblem !== null || debianProblem !== null)('the image', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'lictor-image-test-'))
  let docker: TestEngine

  beforeAll(async () => {
    // The engine comes last: nothing answers it while programs are waited for.
    const debian = makeDebian()
    const clone = join(scratch, 'clone')
    freshClone(clone)
    const context = join(scratch, 'context')
    makeContext({ root: clone, folder: context, arch: process.arch === 'arm64' ? 'arm64' : 'amd64' })
    docker = await startEngine()
    await importRoot(docker.engine, debian, BASE)
    const tar = spawn('tar', ['-C', context, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const building = await docker.engine.buildImage(tar.stdout, {
      t: IMAGE,
      buildargs: { BASE },
      // Whatever is fetched while building fails.
      networkmode: 'none',
    })
    await new Promise<void>((resolve, reject) => {
      docker.engine.modem.followProgress(building, (error, steps) => {
        const failed = (steps as { error?: string }[] | null)?.find((step) => step.error !== undefined)
        if (error || failed) reject(error ?? new Error(failed?.error))
        else resolve()
      })
    })
  }, LIMIT)

  afterAll(async () => {
    await docker?.stop()
    rmSync(scratch, { recursive: true, force: true })
  }, LIMIT)

  it('starts without network, as no root, on a root that cannot be written, and its health passes', {
    timeout: LIMIT,
  }, async () => {
    const data = join(scratch, 'data')
    mkdirSync(data)
    chownSync(data, 10_001, 10_001)
    chmodSync(data, 0o700)
    const container = await docker.engine.createContainer({
      Image: IMAGE,
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        Binds: [`${data}:/data`],
        Tmpfs: { '/tmp': 'size=64m,mode=1777' },
      },
    })
    await container.start()
    try {
      const { Config } = await container.inspect()
      expect(Config.User).toBe('10001:10001')
      await vi.waitFor(
        async () => {
          const { State } = await container.inspect()
          expect([State.Running, State.Health?.Status]).toEqual([true, 'healthy'])
        },
        { timeout: 300_000, interval: 500 },
      )
    } catch (error) {
      const logs = await container.logs({ stdout: true, stderr: true })
      throw new Error(`The container said: ${logs.toString('utf8').slice(-4000)}`, { cause: error })
    }
    // What stops is told to, and ends by itself.
    await container.stop({ t: 60 })
    expect((await container.inspect()).State.ExitCode).toBe(0)
    await container.remove()
  })

  it('is for another architecture with nothing but another Node in it', { timeout: LIMIT }, () => {
    const other = process.arch === 'arm64' ? 'amd64' : 'arm64'
    const folder = join(scratch, 'other')
    makeContext({ root: join(scratch, 'clone'), folder, arch: other })
    const machine = readFileSync(join(folder, 'app/bin/node')).readUInt16LE(18)
    // ELF's numbers of machines.
    expect(machine).toBe(other === 'arm64' ? 183 : 62)
    const built = execFileSync('find', [join(folder, 'app/node_modules'), '-name', '*.node'], { encoding: 'utf8' })
    for (const file of built.split('\n').filter((name) => name !== ''))
      if (readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF')
        expect([file, readFileSync(file).readUInt16LE(18)]).toEqual([file, machine])
  })
})
