import { parentPort } from 'node:worker_threads'
import { type Candidate, candidateOf, type RecordedCall, type Rejudged, rejudge } from './judge.ts'

export interface ReplayTask {
  /** Of the text; the candidate is compiled once for as long as it stays. */
  readonly hash: string
  readonly yaml: string
  readonly calls: readonly RecordedCall[]
}

export type ReplayAnswer = readonly Rejudged[]

let known: { hash: string; candidate: Candidate } | null = null

parentPort?.on('message', ({ hash, yaml, calls }: ReplayTask) => {
  if (known?.hash !== hash) known = { hash, candidate: candidateOf(yaml) }
  const { candidate } = known
  parentPort?.postMessage(calls.map((call) => rejudge(candidate, call)))
})
