import { join } from 'node:path'
import type { Logger } from 'pino'
import { StartupError } from '../../errors.ts'
import type { Sandbox } from '../../ports/sandbox.ts'
import { type BubblewrapOptions, bubblewrapProblem, bubblewrapSandbox, findBubblewrap } from './bubblewrap.ts'
import { areLimitsEnforced } from './limits.ts'
import { processSandbox } from './process.ts'

/**
 * The sandbox this machine offers. `auto` takes bubblewrap where it works and a plain process elsewhere, and says so aloud.
 * @throws StartupError when `bubblewrap` is demanded and does not work
 */
export async function chooseSandbox(deps: {
  setting: string
  dataDir: string
  owner: string
  logger: Logger
}): Promise<Sandbox> {
  const { setting, dataDir, owner, logger } = deps
  const options: BubblewrapOptions = {
    program: findBubblewrap(),
    runDir: join(dataDir, 'sandbox'),
    node: process.execPath,
  }
  const plain = () =>
    processSandbox({
      owner,
      programs: { node: process.execPath, python: 'python3' },
      path: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    })
  if (!areLimitsEnforced)
    logger.warn(
      "there is no 'prlimit' here: limits on memory, files and processes of agents do not hold. Install util-linux",
    )
  if (setting === 'process') {
    logger.warn(
      'LICTOR_SANDBOX=process: agents run as plain processes and can reach the files and network of this machine',
    )
    return plain()
  }
  const problem = await bubblewrapProblem(options)
  if (problem === null) return bubblewrapSandbox(options)
  if (setting === 'bubblewrap')
    throw new StartupError(
      'sandbox',
      `LICTOR_SANDBOX is 'bubblewrap', but bubblewrap does not work here: ${problem}. Install the package 'bubblewrap' and allow user namespaces, or set LICTOR_SANDBOX=process.`,
    )
  logger.warn(
    { problem },
    "bubblewrap does not work here: agents run as plain processes and can reach the files and network of this machine. Install the package 'bubblewrap' to isolate them",
  )
  return plain()
}
