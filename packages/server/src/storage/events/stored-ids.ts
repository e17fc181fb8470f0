import type { StatementSync } from 'node:sqlite'

/** Events of one generation: their ids fill 600 pages, which stay in SQLite's cache. Part of migration 0007. */
const SIZE = 2 ** 15
/** Of a generation's Bloom filter: sixteen for each id, of which it sets eight. Then one of 2,000 ids not in it seems to be. */
const POSITIONS = SIZE * 16
const PROBES = 8
/** Generations whose filters are asked at once: as many as a word has bits. */
const ABREAST = 32

/**
 * Which ids the audit log holds. Ids are hashes: in one index over all of them each new id has a page of its own, and writing those
 * pages costs more than the events. So the unique index begins with the generation (each 32,768 events in the order they came), and
 * only the newest generation is written. Whether a generation holds an id is asked of its Bloom filter, kept in memory (two bytes an
 * event) and, once it is full, in `event_id_filters`; where that says maybe, the index tells.
 */
export interface StoredIds {
  /** Whether the id was stored before. To be asked before each `add`. */
  has(id: string): boolean
  /** The number of the event with this id. */
  find(id: string): number | undefined
  /** The id was stored with an event of this number. */
  add(seq: number, id: string): void
  /** Take up what the table holds, at the start of a transaction. Cheap when nobody else has written since. */
  follow(): void
  /** Let go of generations that were purged. */
  forgetPurged(): void
}

/** The filters of 32 generations, side by side: bit n of a word is that position in the filter of the nth. */
interface Slice {
  readonly number: number
  readonly words: Uint32Array
}

export function createStoredIds(prepare: (sql: string) => StatementSync): StoredIds {
  let slices: Slice[] = []
  /** The generation the next event belongs to. */
  let newest = 0
  /** The number of the last event there ever was. */
  let last = -1
  const places = new Uint32Array(PROBES)

  const lastOfTable = (): number =>
    Number(prepare("select seq from sqlite_sequence where name = 'events'").get()?.seq ?? 0)
  const seqIn = (generation: number, id: string): number | undefined => {
    const found = prepare('select seq from events where seq >> 15 = ? and id = ?').get(generation, id)
    return found && Number(found.seq)
  }

  function load(): void {
    last = lastOfTable()
    newest = generationOf(last + 1)
    slices = []
    for (const generation of generations()) if (generation === newest || !restore(generation)) fill(generation)
  }

  /** Those that hold events, oldest first. */
  function* generations(): Generator<number> {
    const after = prepare('select seq from events where seq > ? order by seq limit 1')
    for (let found = after.get(-1); found; found = after.get((generationOf(Number(found.seq)) + 1) * SIZE - 1))
      yield generationOf(Number(found.seq))
  }

  function sliceOf(generation: number): Slice {
    const number = Math.floor(generation / ABREAST)
    const known = slices.findLast((slice) => slice.number === number)
    if (known) return known
    const slice = { number, words: new Uint32Array(POSITIONS) }
    slices.push(slice)
    return slice
  }

  /** From the saved filter, if there is one. */
  function restore(generation: number): boolean {
    const filter = prepare('select filter from event_id_filters where generation = ?').get(generation)?.filter
    if (!(filter instanceof Uint8Array) || filter.length !== POSITIONS / 8) return false
    const { words } = sliceOf(generation)
    const own = 1 << (generation % ABREAST)
    for (let byte = 0; byte < filter.length; byte++)
      for (let rest = filter[byte] as number; rest !== 0; rest &= rest - 1) mark(words, byte * 8 + lowestBit(rest), own)
    return true
  }

  /** From the ids themselves. */
  function fill(generation: number): void {
    for (const row of prepare('select id from events where seq >> 15 = ?').iterate(generation))
      set(generation, String(row.id))
    if (generation !== newest) save(generation)
  }

  function save(generation: number): void {
    const { words } = sliceOf(generation)
    const own = 1 << (generation % ABREAST)
    const filter = new Uint8Array(POSITIONS / 8)
    for (let place = 0; place < POSITIONS; place++)
      if ((words[place] as number) & own) mark(filter, place >>> 3, 1 << (place & 7))
    prepare('insert or replace into event_id_filters (generation, filter) values (?, ?)').run(generation, filter)
  }

  /** Where the filters know an id by: each place is as far from the last. */
  function findPlaces(id: string): void {
    const first = Number.parseInt(id.slice(0, 8), 16)
    const step = Number.parseInt(id.slice(-8), 16) | 1
    for (let probe = 0; probe < PROBES; probe++) places[probe] = (first + Math.imul(probe, step)) & (POSITIONS - 1)
  }

  function set(generation: number, id: string): void {
    findPlaces(id)
    const { words } = sliceOf(generation)
    const own = 1 << (generation % ABREAST)
    for (let probe = 0; probe < PROBES; probe++) mark(words, places[probe] as number, own)
  }

  /** The generations of a slice that seem to hold the id of `places`, a bit for each. */
  function candidatesIn({ words }: Slice): number {
    let candidates = -1
    for (let probe = 0; probe < PROBES && candidates !== 0; probe++)
      candidates &= words[places[probe] as number] as number
    return candidates
  }

  function find(id: string): number | undefined {
    findPlaces(id)
    for (const slice of slices)
      for (let candidates = candidatesIn(slice); candidates !== 0; candidates &= candidates - 1) {
        const seq = seqIn(slice.number * ABREAST + lowestBit(candidates), id)
        if (seq !== undefined) return seq
      }
    return undefined
  }

  return {
    has(id) {
      if (generationOf(last + 1) > newest) {
        save(newest)
        newest = generationOf(last + 1)
      }
      return find(id) !== undefined
    },
    find,
    add(seq, id) {
      set(newest, id)
      last = seq
    },
    follow() {
      // Otherwise than was left: the first time, after a transaction that was undone, after a restore.
      if (lastOfTable() !== last) load()
    },
    forgetPurged() {
      const held = new Set(generations())
      for (const { generation } of prepare('select generation from event_id_filters').all())
        if (!held.has(Number(generation)))
          prepare('delete from event_id_filters where generation = ?').run(Number(generation))
      load()
    },
  }
}

function mark(words: Uint32Array | Uint8Array, index: number, bits: number): void {
  words[index] = (words[index] as number) | bits
}

/** From 0, of a word that is not 0. */
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word)
const generationOf = (seq: number): number => Math.floor(seq / SIZE)
