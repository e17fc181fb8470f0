import { parentPort } from 'node:worker_threads'
import { markdownOf } from './markdown.ts'

parentPort?.on('message', ({ html, address }: { html: string; address: string }) => {
  parentPort?.postMessage(markdownOf(html, address))
})
