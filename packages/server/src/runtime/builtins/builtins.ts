import { AgentManifest, WorkflowManifest } from '@lictor/aegis'
import type { Logger } from 'pino'
import { Conflict, NotFound } from '../../errors.ts'
import type { TokenCaller } from '../../identity/caller.ts'
import type { Agents } from '../agents/agents.ts'
import { GLOBAL_TENANT } from '../visibility.ts'
import type { Workflows } from '../workflows/workflows.ts'
import { BUILTIN, builtinAgents, builtinWorkflows } from './manifests.ts'

/** `off` deploys nothing, `on` what is missing or older, `force` replaces whatever stands under these names. */
export type DeployBuiltins = 'off' | 'on' | 'force'

/** Who deploys what comes with the server: nobody who can sign in. */
const deployer: TokenCaller = {
  kind: 'token',
  subject: 'lictor',
  tenantId: GLOBAL_TENANT,
  identity: 'service_account',
  role: 'aegis:admin',
  scopes: new Set(),
  isOfFirstTenant: true,
}

/** What stands under a name already. */
interface Standing {
  readonly version: string
  readonly manifestYaml: string
  readonly manifest: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined } }
}

/** The agents and workflows that come with the server. */
export interface Builtins {
  /**
   * Deploy them for every tenant, as the setting says. Done again, or on several servers at once, it is done once.
   * @throws what keeps one from being deployed: the server does not start without what was asked for
   */
  start(): Promise<void>
}

export function createBuiltins(deps: {
  agents: Pick<Agents, 'lookup' | 'deploy'>
  workflows: Pick<Workflows, 'get' | 'register'>
  setting: DeployBuiltins
  logger: Logger
}): Builtins {
  const { agents, workflows, setting, logger } = deps

  async function put(
    { name, version }: { readonly name: string; readonly version: string },
    text: string,
    find: (name: string) => Promise<Standing>,
    deploy: () => Promise<unknown>,
  ): Promise<void> {
    const standing = await find(name).catch((error: unknown) => {
      if (error instanceof NotFound) return null
      throw error
    })
    if (!isDue(standing, { version, text }, setting)) {
      if (standing !== null && !isOurs(standing))
        logger.warn({ name }, 'what is deployed under the name of a built-in is not the built-in, and stays')
      return
    }
    try {
      await deploy()
      logger.info({ name, version }, 'built-in deployed')
    } catch (error) {
      // Another server was faster.
      if (!(error instanceof Conflict)) throw error
    }
  }

  return {
    async start() {
      if (setting === 'off') return
      for (const text of builtinAgents) {
        const { metadata } = AgentManifest.parse(text)
        await put(
          metadata as Required<Pick<typeof metadata, 'name' | 'version'>>,
          text,
          (name) => agents.lookup(deployer, name),
          () => agents.deploy(deployer, text, { force: setting === 'force', scope: 'global' }),
        )
      }
      for (const text of builtinWorkflows) {
        const { metadata } = WorkflowManifest.parse(text)
        await put(
          metadata as Required<Pick<typeof metadata, 'name' | 'version'>>,
          text,
          (name) => workflows.get(deployer, name),
          () => workflows.register(deployer, text, { force: setting === 'force', scope: 'global' }),
        )
      }
    },
  }
}

/** Whether a built-in is to be deployed where this stands. */
export function isDue(
  standing: Standing | null,
  own: { readonly version: string; readonly text: string },
  setting: DeployBuiltins,
): boolean {
  if (setting === 'off') return false
  if (standing === null) return true
  if (setting === 'force') return standing.manifestYaml !== own.text
  return isOurs(standing) && isOlder(standing.version, own.version)
}

const isOurs = ({ manifest }: Standing): boolean => manifest.metadata.annotations?.[BUILTIN] === 'true'

/** By their numbers, so that servers of two versions do not deploy against each other. */
function isOlder(version: string, than: string): boolean {
  const [mine, theirs] = [version, than].map((one) => one.split('.').map((part) => Number.parseInt(part, 10) || 0))
  for (let at = 0; at < 3; at++) {
    const difference = (mine?.[at] ?? 0) - (theirs?.[at] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
