import { Worker } from 'node:worker_threads'
import type { Clock } from '../../ports/clock.ts'

/** All threads stayed busy for as long as the task could wait. */
export class NoThreadFree extends Error {
  override readonly name = 'NoThreadFree'
}

/** The task took longer than it may; its thread is ended. */
export class ThreadTimeout extends Error {
  override readonly name = 'ThreadTimeout'
}

/** The thread broke off: out of memory, or an error nobody caught. */
export class ThreadFailed extends Error {
  override readonly name = 'ThreadFailed'
}

/** Computations beside the event loop, few at a time, each of which can be broken off whatever it does. */
export interface Threads<Task, Answer> {
  /**
   * Post the task to a thread and await its one answer. A thread is only taken for another task when it has really ended
   * with this one.
   *
   * @param limits milliseconds to wait for a free thread, and to run
   * @throws NoThreadFree, ThreadTimeout, ThreadFailed
   */
  run(task: Task, limits: { readonly waitMs: number; readonly runMs: number }): Promise<Answer>
  /** End every thread. */
  close(): Promise<void>
}

/**
 * A thread that runs the module `name` of a folder, as TypeScript in the sources and as JavaScript once built. It sees nothing of
 * this process's environment.
 */
export function startThread(folder: URL, name: string, maxMemoryMb: number): Worker {
  const isSource = import.meta.url.endsWith('.ts')
  return new Worker(new URL(`${name}.${isSource ? 'ts' : 'js'}`, folder), {
    env: {},
    execArgv: isSource ? ['--conditions=@lictor/source', '--disable-warning=ExperimentalWarning'] : [],
    resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb },
  })
}

/**
 * @param deps.most threads at once
 * @param deps.idleMs how long an unused thread is kept, in milliseconds
 */
export function createThreads<Task, Answer>(deps: {
  start: () => Worker
  most: number
  idleMs: number
  clock: Clock
}): Threads<Task, Answer> {
  const { start, most, idleMs, clock } = deps
  const idle = new Map<Worker, () => void>()
  const all = new Set<Worker>()
  const waiting: (() => void)[] = []
  let busy = 0

  async function acquire(waitMs: number): Promise<void> {
    if (busy < most) {
      busy++
      return
    }
    await new Promise<void>((resolve, reject) => {
      const giveUp = clock.after(waitMs, () => {
        waiting.splice(waiting.indexOf(take), 1)
        reject(new NoThreadFree(`All ${most} threads are busy`))
      })
      const take = () => {
        giveUp()
        resolve()
      }
      waiting.push(take)
    })
  }

  /** The place goes to whoever waits longest. */
  function release(): void {
    const next = waiting.shift()
    if (next) next()
    else busy--
  }

  function takeWorker(): Worker {
    for (const [worker, cancelExpiry] of idle) {
      cancelExpiry()
      idle.delete(worker)
      worker.ref()
      return worker
    }
    const worker = start()
    all.add(worker)
    worker.once('exit', () => {
      all.delete(worker)
      idle.get(worker)?.()
      idle.delete(worker)
    })
    // A failure is the business of the task that runs; an idle thread that fails is only gone.
    worker.on('error', () => {})
    return worker
  }

  function keep(worker: Worker): void {
    worker.unref()
    idle.set(
      worker,
      clock.after(idleMs, () => void worker.terminate()),
    )
  }

  function answerOf(worker: Worker, task: Task, runMs: number): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const settle = (act: () => void) => {
        cancel()
        worker.off('message', onMessage).off('error', onError).off('exit', onExit)
        act()
      }
      const onMessage = (answer: Answer) => settle(() => resolve(answer))
      const onError = (error: Error) => settle(() => reject(new ThreadFailed(error.message, { cause: error })))
      const onExit = () => settle(() => reject(new ThreadFailed('The thread ended without an answer')))
      const cancel = clock.after(runMs, () =>
        settle(() => reject(new ThreadTimeout(`The task took longer than ${runMs} ms`))),
      )
      worker.on('message', onMessage).on('error', onError).on('exit', onExit)
      worker.postMessage(task)
    })
  }

  return {
    async run(task, { waitMs, runMs }) {
      await acquire(waitMs)
      const worker = takeWorker()
      try {
        const answer = await answerOf(worker, task, runMs)
        keep(worker)
        release()
        return answer
      } catch (error) {
        // The place stays taken until the computation has really ended; the caller does not wait for that.
        void worker.terminate().then(release)
        throw error
      }
    },
    async close() {
      await Promise.all([...all].map((worker) => worker.terminate()))
    },
  }
}
