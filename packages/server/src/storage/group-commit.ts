import { Unavailable } from '../errors.ts'
import { isDatabaseAway, isRetriable } from './database.ts'

/** Items of one commit, unless a single submission alone has more. */
const ITEMS_PER_COMMIT = 4_000
/** Times a submission is tried that loses to another transaction. */
const ATTEMPTS = 4
/** How much may wait, in characters. */
const LARGEST_QUEUE = 64 * 1024 * 1024

export interface GroupCommit<Item, Result> {
  /**
   * Store `items` with everything else that waits, in one transaction. Resolves after its commit with the result of each.
   * @throws Unavailable when too much waits already.
   */
  submit(items: readonly Item[], weight: number): Promise<Result[]>
  /** What is not yet stored: what waits and what is being committed. */
  unstored(): { readonly items: number; readonly weight: number }
  /** Resolves once nothing waits. */
  idle(): Promise<void>
}

interface Submission<Item, Result> {
  readonly items: readonly Item[]
  readonly weight: number
  readonly resolve: (results: Result[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Commit many waiting submissions in one transaction: a commit waits for the disk, and while it does, the next group gathers.
 * `commit` stores the items and answers each (an event: whether it was new); at most `lanes` commits run at once.
 */
export function createGroupCommit<Item, Result = boolean>(
  lanes: number,
  commit: (items: readonly Item[]) => Promise<Result[]>,
): GroupCommit<Item, Result> {
  let waiting: Submission<Item, Result>[] = []
  let weightWaiting = 0
  const unstored = { items: 0, weight: 0 }
  const running = new Set<Promise<void>>()

  function takeGroup(): Submission<Item, Result>[] {
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

  async function commitGroup(group: readonly Submission<Item, Result>[], attempt = 1): Promise<void> {
    try {
      const results = await commit(group.flatMap((submission) => submission.items))
      let start = 0
      for (const { items, resolve } of group) {
        resolve(results.slice(start, start + items.length))
        start += items.length
      }
    } catch (error) {
      if (isRetriable(error) && attempt < ATTEMPTS) await commitGroup(group, attempt + 1)
      // One submission the database refuses must not cost the others theirs.
      else if (group.length > 1 && !isDatabaseAway(error)) for (const one of group) await commitGroup([one])
      else for (const { reject } of group) reject(error)
    }
  }

  function open(): void {
    const lane: Promise<void> = run(() => running.delete(lane))
    running.add(lane)
  }

  async function run(close: () => void): Promise<void> {
    // What arrives in this turn of the event loop joins the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) await commitGroup(takeGroup())
    // In the same turn as the last look at what waits: nothing can be submitted in between and stay unseen.
    close()
  }

  return {
    submit(items, weight) {
      if (weightWaiting > 0 && weightWaiting + weight > LARGEST_QUEUE)
        return Promise.reject(
          new Unavailable('More waits to be stored than this server holds. Send it again shortly.', {
            retryAfter: 1,
            code: 'overloaded',
          }),
        )
      unstored.items += items.length
      unstored.weight += weight
      return new Promise<Result[]>((resolve, reject) => {
        waiting.push({ items, weight, resolve, reject })
        weightWaiting += weight
        if (running.size < lanes) open()
      }).finally(() => {
        unstored.items -= items.length
        unstored.weight -= weight
      })
    },
    unstored: () => unstored,
    async idle() {
      await Promise.all(running)
    },
  }
}
