import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Queryable } from './database.ts'
import { openSqlite } from './sqlite.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-disk-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const turnsOfTheLoop = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const insert = (within: Queryable, id: number) => sql`insert into rows (id) values (${id})`.execute(within)
async function idsOf(within: Queryable): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`select id from rows order by id`.execute(within)
  return rows.map(({ id }) => id)
}

/** A disk that keeps, when the power goes, what was written when the last wait for it that ended began. */
function fragileDisk(path: string, delays: () => number) {
  const images: string[] = []
  let kept = -1
  return {
    /** How often it was waited for. */
    waits: () => images.length,
    /** The image that a power cut would leave now; null before the first wait ended. */
    kept: () => images[kept] ?? null,
    log: {
      async sync() {
        const image = join(folder, `image-${images.length}.db`)
        const number = images.push(image) - 1
        for (const end of ['', '-wal']) if (existsSync(`${path}${end}`)) copyFileSync(`${path}${end}`, `${image}${end}`)
        await turnsOfTheLoop(delays())
        kept = number
      },
      close() {},
    },
  }
}

async function idsIn(image: string): Promise<number[]> {
  const database = openSqlite(image)
  try {
    return await idsOf(database.db)
  } finally {
    await database.close()
  }
}

const step = fc.record({
  kind: fc.constantFrom('transaction', 'statement', 'failing', 'ahead', 'heard', 'read'),
  /** Turns of the event loop before it begins, and within it. */
  before: fc.nat(6),
  within: fc.nat(3),
})

it('a power cut takes nothing that anybody was told of', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.array(fc.nat(8), { minLength: 1, maxLength: 10 }),
      async (steps, delays) => {
        const path = join(folder, `run-${runs++}.db`)
        let wait = 0
        const disk = fragileDisk(path, () => delays[wait++ % delays.length] ?? 0)
        const database = openSqlite(path, { log: disk.log })
        const { db, ahead } = database
        await sql`create table rows (id integer primary key)`.execute(db)
        /** What was told when the power might have gone, and what would be left of it. */
        const told: { readonly ids: readonly number[]; readonly image: string | null }[] = []
        const committed: number[] = []
        await Promise.all(
          steps.map(async ({ kind, before, within: turns }, id) => {
            await turnsOfTheLoop(before)
            if (kind === 'read') {
              told.push({ ids: await idsOf(db), image: disk.kept() })
            } else if (kind === 'statement') {
              await insert(db, id)
              told.push({ ids: [id], image: disk.kept() })
              committed.push(id)
            } else {
              const work = (kind === 'ahead' || kind === 'heard' ? ahead : db).transaction().execute(async (within) => {
                await insert(within, id)
                await turnsOfTheLoop(turns)
                if (kind === 'failing') throw new Error('not this one')
                return idsOf(within)
              })
              if (kind === 'failing') {
                await expect(work).rejects.toThrow('not this one')
                return
              }
              const seen = await work
              committed.push(id)
              // Whoever goes ahead is told of what it did alone.
              if (kind === 'transaction') told.push({ ids: seen, image: disk.kept() })
              // Others hear of it when it is on disk.
              if (kind === 'heard') {
                await database.onDisk()
                told.push({ ids: seen, image: disk.kept() })
              }
            }
          }),
        )
        committed.sort((a, b) => a - b)
        expect(await idsOf(db)).toEqual(committed)
        told.push({ ids: committed, image: disk.kept() })
        await database.close()
        for (const [image, of] of Map.groupBy(told, ({ image }) => image)) {
          const left = new Set(image === null ? [] : await idsIn(image))
          for (const { ids } of of) expect(ids.filter((id) => !left.has(id))).toEqual([])
        }
      },
    ),
    { numRuns: 30 },
  )
})

it('transactions that come together wait for the disk together', async () => {
  const disk = fragileDisk(join(folder, 'together.db'), () => 5)
  const database = openSqlite(join(folder, 'together.db'), { log: disk.log })
  await sql`create table rows (id integer primary key)`.execute(database.db)
  const before = disk.waits()
  await Promise.all(
    Array.from({ length: 50 }, (_, id) => database.db.transaction().execute((within) => insert(within, id))),
  )
  expect(disk.waits() - before).toBeLessThanOrEqual(3)
  expect(await idsOf(database.db)).toHaveLength(50)
  await database.close()
})

it('what nobody waits for is on disk shortly after', async () => {
  const path = join(folder, 'ahead.db')
  const disk = fragileDisk(path, () => 1)
  const database = openSqlite(path, { log: disk.log })
  await sql`create table rows (id integer primary key)`.execute(database.db)
  await database.ahead.transaction().execute((within) => insert(within, 1))
  const before = disk.kept()
  await expect.poll(disk.kept).not.toBe(before)
  await database.close()
  expect(await idsIn(disk.kept() ?? '')).toEqual([1])
})

it('what is told of without hurry goes to the disk with what somebody waits for', async () => {
  const path = join(folder, 'patient.db')
  const disk = fragileDisk(path, () => 1)
  const database = openSqlite(path, { log: disk.log })
  await sql`create table rows (id integer primary key)`.execute(database.db)
  const before = disk.waits()
  await database.ahead.transaction().execute((within) => insert(within, 1))
  const heard = database.onDisk()
  await insert(database.db, 2)
  await heard
  expect(disk.waits() - before).toBe(1)
  await database.onDisk()
  expect(disk.waits() - before).toBe(1)
  await database.close()
})

it('once the disk has failed nothing is written, read or said to be well', async () => {
  let isBroken = false
  const log = {
    async sync() {
      if (isBroken) throw Object.assign(new Error('input/output error'), { code: 'EIO' })
    },
    close() {},
  }
  const database = openSqlite(join(folder, 'broken.db'), { log })
  const { db, ahead } = database
  await sql`create table rows (id integer primary key)`.execute(db)
  isBroken = true
  const waiting = [insert(db, 1), db.transaction().execute((within) => insert(within, 2)), idsOf(db)]
  const refusal = { status: 'rejected', reason: new Error('input/output error') }
  expect(await Promise.allSettled(waiting)).toMatchObject([refusal, refusal, refusal])
  // That it answers again says nothing of what it lost.
  isBroken = false
  await expect(insert(db, 3)).rejects.toThrow('input/output error')
  await expect(insert(ahead, 4)).rejects.toThrow('input/output error')
  await expect(idsOf(db)).rejects.toThrow('input/output error')
  await expect(database.onDisk()).rejects.toThrow('input/output error')
  await expect(database.ping()).rejects.toThrow('input/output error')
  await database.close()
})
