/**
 * Runs of workflows whose server is killed again and again, in the middle of them.
 *
 *   node --conditions=@lictor/source proofs/workflows.ts [--kills 10] [--runs 1000]
 *
 * Ends with code 1 when one is lost or leaves a state twice, or when a server that listens needs more than two seconds to the first
 * run that ends after it.
 */
import { parseArgs } from 'node:util'
import { quantile } from '../bench/figures.ts'
import { interruptWorkflows } from '../packages/server/test/interrupted-workflows.ts'

const GOAL_MS = 2_000
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '10' }, runs: { type: 'string', default: '1000' } },
})
const found = await interruptWorkflows({ kills: Number(values.kills), runs: Number(values.runs) })
const { runs, kills, completed, lost, leftTwice, resumedMs } = found
console.log(
  `workflows: ${runs} begun, ${kills} kills, ${completed} completed, ${lost.length} lost, ${leftTwice.length} with a state left twice; ` +
    `first that ends after ready p50 ${quantile([...resumedMs], 0.5)} ms, longest ${Math.max(...resumedMs)} ms`,
)
for (const line of [...lost, ...leftTwice]) console.log(`  ${line}`)
const isHeld = lost.length + leftTwice.length === 0 && resumedMs.every((milliseconds) => milliseconds <= GOAL_MS)
process.exitCode = isHeld ? 0 : 1
