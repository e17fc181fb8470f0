import { Unavailable } from '../../errors.ts'
import { isDatabaseAway } from '../../storage/database.ts'

/** Items of one commit, unless a single submission alone has more. */
const ITEMS_PER_COMMIT = 4_000
/** How much may wait, in characters. */
const LARGEST_QUEUE = 64 * 1024 * 1024

export interface GroupCommit<Item> {
  /**
   * Store `items` with everything else that waits, in one transaction. Resolves after its commit, per item: was it new.
   * @throws Unavailable when too much waits already.
   */
  submit(items: readonly Item[], weight: number): Promise<boolean[]>
  /** Resolves once nothing waits. */
  idle(): Promise<void>
}

interface Submission<Item> {
  readonly items: readonly Item[]
  readonly weight: number
  readonly resolve: (isNew: boolean[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Commit many waiting submissions in one transaction: a commit waits for the disk, and while it does, the next group gathers.
 * `commit` stores the items and says per item whether it was new.
 */
export function groupCommit<Item>(commit: (items: readonly Item[]) => Promise<boolean[]>): GroupCommit<Item> {
  let waiting: Submission<Item>[] = []
  let weightWaiting = 0
  let running: Promise<void> | null = null

  function takeGroup(): Submission<Item>[] {
    let count = 0
    let end = 0
    while (end < waiting.length) {
      count += waiting[end]?.items.length ?? 0
      if (end > 0 && count > ITEMS_PER_COMMIT) break
      end++
    }
    const group = waiting.slice(0, end)
    waiting = waiting.slice(end)
    for (const { weight } of group) weightWaiting -= weight
    return group
  }

  async function commitGroup(group: readonly Submission<Item>[]): Promise<void> {
    try {
      const isNew = await commit(group.flatMap((submission) => submission.items))
      let start = 0
      for (const { items, resolve } of group) {
        resolve(isNew.slice(start, start + items.length))
        start += items.length
      }
    } catch (error) {
      // One submission the database refuses must not cost the others theirs.
      if (group.length > 1 && !isDatabaseAway(error)) for (const one of group) await commitGroup([one])
      else for (const { reject } of group) reject(error)
    }
  }

  async function run(): Promise<void> {
    // What arrives in this turn of the event loop joins the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) await commitGroup(takeGroup())
    // In the same turn as the last look at what waits: nothing can be submitted in between and stay unseen.
    running = null
  }

  return {
    submit(items, weight) {
      if (weightWaiting > 0 && weightWaiting + weight > LARGEST_QUEUE)
        return Promise.reject(
          new Unavailable('More events wait to be stored than this server holds. Send them again shortly.', {
            retryAfter: 1,
            code: 'overloaded',
          }),
        )
      return new Promise((resolve, reject) => {
        waiting.push({ items, weight, resolve, reject })
        weightWaiting += weight
        running ??= run()
      })
    },
    async idle() {
      await running
    },
  }
}
