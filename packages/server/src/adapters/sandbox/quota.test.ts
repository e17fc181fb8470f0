import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { diskUsageOf, watchQuota } from './quota.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-quota-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const MANY = 1024 ** 3

it('counts what files take, in folders of any depth', async () => {
  mkdirSync(join(folder, 'a', 'b'), { recursive: true })
  writeFileSync(join(folder, 'a', 'b', 'file'), Buffer.alloc(1_000_000, 1))
  expect(await diskUsageOf(folder, MANY)).toBeGreaterThanOrEqual(1_000_000)
  expect(await diskUsageOf(folder, MANY)).toBeLessThan(1_100_000)
})

it('counts a file with two names once, one without content but not nothing, and follows no link', async () => {
  writeFileSync(join(folder, 'file'), Buffer.alloc(1_000_000, 1))
  linkSync(join(folder, 'file'), join(folder, 'again'))
  symlinkSync(tmpdir(), join(folder, 'elsewhere'))
  writeFileSync(join(folder, 'sparse'), '')
  truncateSync(join(folder, 'sparse'), 100_000_000)
  expect(await diskUsageOf(folder, MANY)).toBeLessThan(1_100_000)
  for (let i = 0; i < 100; i++) writeFileSync(join(folder, `empty-${i}`), '')
  expect(await diskUsageOf(folder, MANY)).toBeGreaterThan(1_050_000)
})

it('a folder too deep to look into counts as beyond every limit', async () => {
  const deep = `import os\nos.chdir(${JSON.stringify(folder)})\nfor _ in range(20):\n  os.mkdir('d' * 250); os.chdir('d' * 250)`
  execFileSync('python3', ['-c', deep])
  expect(await diskUsageOf(folder, MANY)).toBe(Number.POSITIVE_INFINITY)
  execFileSync('rm', ['-rf', folder])
})

it('a folder that is not there takes nothing', async () => {
  expect(await diskUsageOf(join(folder, 'missing'), MANY)).toBe(0)
})

/** A clock whose tasks the test runs. */
function handClock() {
  const tasks = new Set<() => void>()
  let onTask = () => {}
  return {
    tasks,
    clock: {
      now: () => 0,
      after(_milliseconds: number, task: () => void) {
        tasks.add(task)
        onTask()
        return () => void tasks.delete(task)
      },
    },
    /** Run what waits; resolves when the next task waits. */
    tick: () =>
      new Promise<void>((resolve) => {
        onTask = resolve
        for (const task of [...tasks]) {
          tasks.delete(task)
          task()
        }
      }),
  }
}

it('the watch looks until there is too much, and tells it once', async () => {
  const { clock, tasks, tick } = handClock()
  let told = 0
  const exceeded = new Promise<void>((resolve) => {
    watchQuota({ folder: () => folder, limit: 10_000, clock, onExceeded: () => resolve(void told++) })
  })
  await tick()
  await tick()
  expect(told).toBe(0)
  writeFileSync(join(folder, 'file'), Buffer.alloc(20_000, 1))
  void tick()
  await exceeded
  expect(told).toBe(1)
  expect(tasks.size).toBe(0)
})

it('a stopped watch waits for nothing', async () => {
  const { clock, tasks } = handClock()
  watchQuota({ folder: () => folder, limit: 0, clock, onExceeded: () => {} }).stop()
  expect(tasks.size).toBe(0)
})
