/**
 * Compares our decisions with those of the published Python package, on bundles and calls made from a seed.
 *
 *   npm run differential [-- --pairs 10000] [--seed N] [--version 0.16.0]
 *
 * Ends with code 1 when a difference is none of those in docs/parity.md.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { reportText, runDifferential } from './compare.ts'
import { readDifferences } from './differences.ts'
import { installPublished } from './install.ts'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    version: { type: 'string', default: '0.16.0' },
  },
})
const python = installPublished(values.version)
if (python === null) {
  console.error(`edictum ${values.version} cannot be installed: python3 with venv, and a package registry, are needed.`)
  process.exit(2)
}
const report = await runDifferential({
  version: values.version,
  python,
  pairs: Number(values.pairs),
  seed: Number(values.seed),
  differences: readDifferences(readFileSync(new URL('../../../docs/parity.md', import.meta.url), 'utf8')),
})
console.log(reportText(values.version, report))
process.exitCode = report.mismatches.length > 0 ? 1 : 0
