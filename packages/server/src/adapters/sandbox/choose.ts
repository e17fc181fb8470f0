import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { StartupError } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { type BubblewrapOptions, bubblewrapProblem, bubblewrapSandbox, findBubblewrap } from './bubblewrap.ts'
import { noControlGroups, openControlGroups } from './cgroups.ts'
import { dockerSandbox } from './docker.ts'
import { engineProblem, openEngine } from './docker-engine.ts'
import { createImages, type RegistryLogin } from './docker-images.ts'
import { areLimitsEnforced, warnOfLimits } from './limits.ts'
import { processSandbox } from './process.ts'
import { ownMark } from './process-mark.ts'

/**
 * The sandbox this machine offers. `auto` takes bubblewrap where it works and a plain process elsewhere, and says so aloud.
 * @throws StartupError when `bubblewrap` or `docker` is demanded and does not work
 */
export async function chooseSandbox(deps: {
  setting: string
  dataDir: string
  owner: string
  docker: DockerSettings
  clock: Clock
  logger: Logger
}): Promise<Sandbox> {
  const { setting, dataDir, owner, clock, logger } = deps
  if (setting === 'docker')
    return openDockerSandbox({ ...deps.docker, owner, clock, logger }).catch((error: Error) => {
      throw new StartupError('sandbox', `LICTOR_SANDBOX is 'docker', but ${error.message}`)
    })
  const groups = process.platform === 'linux' ? openControlGroups({ owner }) : noControlGroups
  const options: BubblewrapOptions = {
    program: findBubblewrap(),
    runDir: join(dataDir, 'sandbox'),
    node: process.execPath,
  }
  const plain = () => {
    warnOfLimits({ whose: 'agents', groups, countsProcesses: false, logger })
    return processSandbox({
      owner,
      programs: { node: process.execPath, python: 'python3' },
      path: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      groups,
      clock,
    })
  }
  if (setting === 'process') {
    logger.warn(
      'LICTOR_SANDBOX=process: agents run as plain processes and can reach the files and network of this machine. Agents whose manifest restricts the network are refused',
    )
    return plain()
  }
  const problem = await bubblewrapProblem(options)
  if (problem === null) {
    // The kernel never refuses root another process; every other user's are counted for each sandbox.
    warnOfLimits({ whose: 'agents', groups, countsProcesses: areLimitsEnforced && process.getuid?.() !== 0, logger })
    return bubblewrapSandbox({ ...options, groups, clock })
  }
  if (setting === 'bubblewrap')
    throw new StartupError(
      'sandbox',
      `LICTOR_SANDBOX is 'bubblewrap', but bubblewrap does not work here: ${problem}. Install the package 'bubblewrap' and allow user namespaces, or set LICTOR_SANDBOX=process.`,
    )
  logger.warn(
    { problem },
    "bubblewrap does not work here: agents run as plain processes and can reach the files and network of this machine, and those whose manifest restricts the network are refused. Install the package 'bubblewrap' to isolate them",
  )
  return plain()
}

export interface DockerSettings {
  /** Path of the engine's socket. */
  readonly socket: string
  /** Runtime of the engine; empty takes its default. */
  readonly runtime: string
  readonly logins: Readonly<Record<string, RegistryLogin>>
}

/** @throws SandboxError when the engine cannot be used now */
export async function openDockerSandbox(
  deps: DockerSettings & { owner: string; clock: Clock; logger: Pick<Logger, 'warn'> },
): Promise<Sandbox> {
  const { socket, runtime, logins, owner, clock, logger } = deps
  const refuse = (reason: string) =>
    new SandboxError(
      `no container can be started: ${reason}. Start the Docker Engine, or name its socket in LICTOR_DOCKER_SOCKET (now ${socket}).`,
    )
  if (!existsSync(socket)) throw refuse('there is no socket of a Docker Engine')
  const engine = await openEngine(socket)
  const problem = await engineProblem(engine)
  if (problem !== null) throw refuse(problem)
  return dockerSandbox({
    engine,
    images: createImages({ engine, logins, clock }),
    owner,
    mark: ownMark(),
    runtime,
    clock,
    onStuck: (container, reason) =>
      logger.warn({ container, reason }, 'a container cannot be removed; the next start of a server tries again'),
  })
}
