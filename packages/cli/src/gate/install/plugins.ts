import { checkCommand, ENTRY_SECONDS, isGateCommand, type Program } from './command.ts'

const MARK = 'lictor gate: written by `lictor gate install`, removed by `lictor gate uninstall`'

/** Whether a file of ours is one: nobody else's is ever written over. */
export const isOurFile = (text: string): boolean => text.includes(MARK)

/**
 * The plugin of OpenCode. It exports one function and nothing else, and imports what every runtime has, at the moment of the
 * call: a plugin that does not load holds nothing. Whatever is not a permission throws.
 */
export const openCodePlugin = ({ node, script }: Program, seconds: number): string => `// ${MARK}
export const LictorGate = async ({ directory }) => ({
  'tool.execute.before': async (input, output) => {
    const { spawn } = await import('node:child_process')
    const question = { tool: input.tool, args: output.args, directory, sessionID: input.sessionID, callID: input.callID }
    const refuse = (reason) => { throw new Error(reason || 'lictor gate did not answer: the call is refused') }
    const text = await new Promise((resolve) => {
      const program = ${JSON.stringify(node)}
      const args = ${JSON.stringify([script, 'gate', 'check', '--format', 'opencode', '--timeout', String(seconds)])}
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
      const late = setTimeout(() => child.kill('SIGKILL'), ${seconds * 1000})
      const chunks = []
      child.stdout.on('data', (chunk) => chunks.push(chunk))
      child.stdin.on('error', () => {})
      child.on('error', () => { clearTimeout(late); resolve('') })
      child.on('close', () => { clearTimeout(late); resolve(Buffer.concat(chunks).toString('utf8')) })
      child.stdin.end(JSON.stringify(question))
    })
    let answer
    try { answer = JSON.parse(text) } catch { refuse() }
    if (answer === null || typeof answer !== 'object' || answer.allow !== true) refuse(answer?.reason)
  },
})
`

/** The file that Cline runs. The code it ends with means nothing there: only its word on standard output cancels a call. */
export const clineHook = (program: Program, seconds: number): string => `#!/bin/sh
# ${MARK}
answer=$(${checkCommand(program, 'cline', seconds)} 2>/dev/null)
case $? in
  0) printf '%s' "$answer" ;;
  2) printf '%s\\n' "$answer" ;;
  *) printf '%s\\n' '{"cancel":true,"errorMessage":"lictor gate did not answer: the call is refused"}' ;;
esac
`

/** The hooks file of Copilot that is ours alone. */
export const copilotHooks = (command: string, seconds: number = ENTRY_SECONDS): string =>
  `${JSON.stringify({ version: 1, hooks: { preToolUse: [{ type: 'command', bash: command, timeoutSec: seconds }] } }, null, 2)}\n`

export const isOurCopilotFile = (text: string): boolean => {
  try {
    const { hooks } = JSON.parse(text) as { hooks: { preToolUse: readonly { bash?: unknown }[] } }
    return Object.keys(hooks).length === 1 && hooks.preToolUse.every(({ bash }) => isGateCommand(bash))
  } catch {
    return false
  }
}
