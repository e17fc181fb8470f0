import type { AgentManifestDocument } from '@lictor/aegis'
import { NotExecutable, planOf } from '../plan/plan.ts'
import { builtin, type Tool } from '../tools/tool.ts'
import { optional, text } from './arguments.ts'

const own = {
  ...builtin,
  category: 'system_management',
  tags: ['read-only'],
  sideEffect: 'read',
  isIdempotent: true,
} as const

/** What people write in manifests; which of it runs here is what a plan says. */
const written: Readonly<Record<string, readonly string[]>> = {
  python: ['3.9', '3.10', '3.11', '3.12', '3.13'],
  javascript: ['18', '20', '22', '24'],
  typescript: ['5.1'],
  go: ['1.20', '1.21'],
  rust: ['1.74', '1.75'],
}

/** The server itself. */
export function systemTools(deps: {
  version: string
  sandbox: () => string
  node: string
  countExecutions: () => number
  /** By their variables; secrets as whether they are set. */
  settings: Readonly<Record<string, unknown>>
}): Tool[] {
  return [
    {
      ...own,
      name: 'aegis.runtime.list',
      description: 'The languages that agents can be written for here, with their versions.',
      arguments: { language: optional(text('Only this one.')) },
      run: async ({ args }) => {
        const runtimes = Object.entries(written)
          .filter(([language]) => args.language === undefined || language === args.language)
          .map(([language, versions]) => ({
            language,
            versions: versions.filter((version) => isRunnable(language, version)),
          }))
          .filter(({ versions }) => versions.length > 0)
        return { runtimes, count: runtimes.length }
      },
    },
    {
      ...own,
      name: 'aegis.system.info',
      description: 'What this server is, and what it is doing.',
      isForOperators: true,
      arguments: {},
      run: async () => ({
        name: 'lictor',
        version: deps.version,
        node_id: deps.node,
        sandbox: deps.sandbox(),
        executions_running: deps.countExecutions(),
      }),
    },
    {
      ...own,
      name: 'aegis.system.config',
      description: 'The settings of this server; of secrets only whether they are set.',
      isForOperators: true,
      arguments: {},
      run: async () => ({ settings: deps.settings }),
    },
  ]
}

function isRunnable(language: string, version: string): boolean {
  try {
    planOf({ metadata: { name: 'a', version: '1' }, spec: { runtime: { language, version } } } as AgentManifestDocument)
    return true
  } catch (error) {
    if (error instanceof NotExecutable) return false
    throw error
  }
}
