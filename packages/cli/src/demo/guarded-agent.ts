import { Edictum, EdictumDenied } from '@lictor/guard'
import { style } from '../terminal/style.ts'
import type { Terminal } from '../terminal/terminal.ts'

const files: Readonly<Record<string, string>> = {
  'customers.csv': 'name,number\nAda,123-45-6789\nGrace,987-65-4321',
  'readme.txt': 'Hello from the demo.',
}

/** What the scripted agent tries, in order: each line shows another answer a contract can give. */
const calls: readonly { readonly tool: string; readonly args: Record<string, unknown> }[] = [
  { tool: 'read_file', args: { path: 'readme.txt' } }, // allowed
  { tool: 'read_file', args: { path: '.env' } }, // denied
  { tool: 'read_file', args: { path: 'customers.csv' } }, // redacted
  { tool: 'search_web', args: { query: 'lictor' } }, // limited
  { tool: 'search_web', args: { query: 'fasces' } }, // limited
  { tool: 'search_web', args: { query: 'rods' } }, // limited
  { tool: 'delete_file', args: { path: 'customers.csv' } }, // approved
]

async function runTool(tool: string, args: Record<string, unknown>): Promise<string> {
  if (tool === 'read_file') return files[String(args.path)] ?? 'Error: no such file'
  if (tool === 'search_web') return `3 results for ${String(args.query)}`
  return `deleted ${String(args.path)}`
}

/** An agent in this process whose tool calls go through the guard, connected to the server as any agent is. */
export async function runGuardedAgent(options: { url: string; apiKey: string; terminal: Terminal }): Promise<void> {
  const { terminal } = options
  const guard = await Edictum.fromServer({
    url: options.url,
    apiKey: options.apiKey,
    agentId: 'demo-agent',
    bundleName: 'lictor-demo',
  })
  try {
    for (const { tool, args } of calls) {
      const call = `${tool}(${Object.values(args).join(', ')})`
      try {
        const result = await guard.run(tool, args, () => runTool(tool, args))
        terminal.print(
          `  ${style('green', '✓')} ${call.padEnd(30)} ${style('dim', String(result).replaceAll('\n', ' ⏎ '))}`,
        )
      } catch (error) {
        if (!(error instanceof EdictumDenied)) throw error
        terminal.print(`  ${style('red', '✗')} ${call.padEnd(30)} ${error.reason}`)
      }
    }
  } finally {
    await guard.close()
  }
}
