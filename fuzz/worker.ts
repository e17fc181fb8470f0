/** Runs cases until it is ended. What case it is at stands in shared memory, so that a hang can be told from outside. */
import { parentPort, workerData } from 'node:worker_threads'
import { readCorpus } from './corpus.ts'
import { Random } from './random.ts'
import { fuzzTargets } from './targets.ts'

export interface Finding {
  readonly target: string
  readonly seed: number
  readonly problem: string
  readonly made: readonly unknown[]
}

/** Shared memory: the case's number, and the number of cases done. */
export const CASE = 0
export const DONE = 1

const SLOW_MS = 1_500

interface Work {
  readonly names: readonly string[]
  readonly first: number
  readonly shared: SharedArrayBuffer
}

if (parentPort !== null && workerData !== null) {
  const { names, first, shared } = workerData as Work
  const progress = new Int32Array(shared)
  const targets = fuzzTargets(readCorpus())
  parentPort.postMessage('ready')
  for (let seed = first; ; seed++) {
    Atomics.store(progress, CASE, seed)
    const finding = runCase(targets, names[seed % names.length] ?? '', seed)
    if (finding) parentPort.postMessage(finding)
    Atomics.add(progress, DONE, 1)
  }
}

/** One case; null when the package kept its promises, which it does within 1.5 s of processor time. */
export function runCase(targets: ReturnType<typeof fuzzTargets>, target: string, seed: number): Finding | null {
  const made: unknown[] = []
  const from = process.threadCpuUsage()
  try {
    targets[target]?.(new Random(seed), (one) => made.push(one))
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { target, seed, problem, made }
  }
  const { user, system } = process.threadCpuUsage(from)
  const milliseconds = (user + system) / 1000
  return milliseconds > SLOW_MS ? { target, seed, problem: `took ${Math.round(milliseconds)} ms`, made } : null
}
