/**
 * Executions whose server is killed again and again, in the middle of their work.
 *
 *   node --conditions=@lictor/source proofs/executions.ts [--kills 20] [--executions 100]
 *
 * Ends with code 1 when one is lost or ends twice, when a command that is not idempotent is made twice, or when a server that
 * listens needs more than two seconds to the first event of an execution that goes on.
 */
import { parseArgs } from 'node:util'
import { quantile } from '../bench/figures.ts'
import { interrupt } from '../packages/server/test/interrupted.ts'

const GOAL_MS = 2_000
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, executions: { type: 'string', default: '100' } },
})
const found = await interrupt({ kills: Number(values.kills), executions: Number(values.executions) })
const { executions, kills, completed, lost, endedTwice, madeTwice, unknown, resumedMs } = found
console.log(
  `executions: ${executions} begun, ${kills} kills, ${completed} completed, ${lost.length} lost, ${endedTwice.length} ended twice, ` +
    `${madeTwice.length} with a command made twice, ${unknown} commands told as unknown; ` +
    `first event after ready p50 ${quantile(resumedMs, 0.5)} ms, longest ${Math.max(...resumedMs)} ms`,
)
for (const line of [...lost, ...endedTwice, ...madeTwice]) console.log(`  ${line}`)
const isHeld =
  lost.length + endedTwice.length + madeTwice.length === 0 && resumedMs.every((milliseconds) => milliseconds <= GOAL_MS)
process.exitCode = isHeld ? 0 : 1
