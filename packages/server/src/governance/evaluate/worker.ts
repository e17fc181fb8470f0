import { parentPort } from 'node:worker_threads'
import { judgeTrial, type TrialCall } from './judge.ts'

parentPort?.on('message', (call: TrialCall) => {
  parentPort?.postMessage(judgeTrial(call, () => performance.now()))
})
