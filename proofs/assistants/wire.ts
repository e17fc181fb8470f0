import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const kept = fileURLToPath(new URL('../../packages/cli/test/assistant-wire.json', import.meta.url))

/** The cases that say something that the others do not. */
const KEPT: readonly string[] = ['denied', 'mcp', 'sub-agent']

type Wire = Record<string, Record<string, unknown>>

/** What the assistants asked, for tests that run without them. Places of the machine are taken out. */
export function keepWire(folder: string): void {
  const wire = JSON.parse(readFileSync(kept, 'utf8')) as Wire
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const [assistant = '', which = ''] = file.split('.')
    const text = readFileSync(join(folder, file), 'utf8')
    if (text.trim() === '' || !KEPT.includes(which)) continue
    const question = JSON.parse(text.replaceAll(/\/[^"' ]*\/lictor-proof-[\w-]+\/(home|work)/g, '/$1')) as Record<
      string,
      unknown
    >
    delete question.mcp_server
    const context = question.mcp_context as Record<string, unknown> | undefined
    if (context) for (const key of ['command', 'args']) delete context[key]
    wire[assistant] = { ...wire[assistant], [which]: question }
  }
  writeFileSync(kept, `${JSON.stringify(wire, null, 2)}\n`)
}
