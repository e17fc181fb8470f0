/**
 * An agent under contract that keeps a ledger of what its tools really did. It reads files, allowed and forbidden ones, until
 * its input ends, and asks for a deletion whenever a line names one. Each outcome is a line of JSON on its output.
 */
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Edictum, EdictumDenied } from '@lictor/guard'

const ledger = process.env.LEDGER ?? ''
const guard = await Edictum.fromServer({
  url: process.env.LICTOR_URL ?? '',
  apiKey: process.env.LICTOR_API_KEY ?? '',
  agentId: 'ledger-agent',
  bundleName: 'ledger',
})

async function call(tool: string, path: string, sessionId: string): Promise<void> {
  const tell = (outcome: string, reason?: unknown) =>
    process.stdout.write(`${JSON.stringify({ tool, path, outcome, reason: reason && String(reason) })}\n`)
  try {
    await guard.run(tool, { path }, async () => appendFileSync(ledger, `${tool} ${path}\n`), { sessionId })
    tell('ran')
  } catch (error) {
    // Without its server the guard lets nothing run that it cannot count.
    tell(error instanceof EdictumDenied ? 'denied' : 'failed', error)
  }
}

let isOver = false
const deletions: Promise<void>[] = []
const input = createInterface({ input: process.stdin })
input.on('line', (path) => deletions.push(call('delete_file', path, 'deletions')))
input.on('close', () => {
  isOver = true
})
for (let index = 0; !isOver; index++) {
  // No session may go on for ever: a new one every fifty calls.
  const session = `reading-${Math.floor(index / 50)}`
  await call('read_file', `data-${index}.csv`, session)
  await call('read_file', `secret-${index}.env`, session)
  await sleep(10)
}
await Promise.all(deletions)
await guard.close()
process.stdout.write(`${JSON.stringify({ tool: 'close', path: '', outcome: 'ran' })}\n`)
