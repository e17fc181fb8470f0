import type { Environment } from '../../api/types.ts'

export interface SnippetInput {
  /** The console's own origin, for example `http://localhost:8000`. */
  readonly url: string
  /** A whole key, or null: then the snippet reads it from the environment. */
  readonly apiKey: string | null
  readonly env: Environment
  readonly agentId: string
  /** Null: the server assigns one. */
  readonly bundleName: string | null
}

export interface Snippet {
  readonly id: 'typescript' | 'python'
  readonly label: string
  readonly install: string
  readonly code: string
}

const quoted = (text: string) => JSON.stringify(text)
const single = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

export function snippets(input: SnippetInput): readonly Snippet[] {
  return [
    { id: 'typescript', label: 'TypeScript', install: 'npm install @lictor/guard', code: typescript(input) },
    { id: 'python', label: 'Python', install: "pip install 'edictum[server,yaml]==0.16.0'", code: python(input) },
  ]
}

/** Plain http to another machine is refused by the SDKs unless asked for (loopback is exempt). */
function needsInsecure(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

function typescript({ url, apiKey, env, agentId, bundleName }: SnippetInput): string {
  const options = [
    `url: ${single(url)},`,
    `apiKey: ${apiKey ? single(apiKey) : "process.env.LICTOR_API_KEY ?? ''"},`,
    `agentId: ${single(agentId)},`,
    `env: ${single(env)},`,
    ...(bundleName ? [`bundleName: ${single(bundleName)},`] : []),
    ...(needsInsecure(url) ? ['allowInsecure: true,'] : []),
  ]
  return `import { readFile } from 'node:fs/promises'
import { Edictum } from '@lictor/guard'

const guard = await Edictum.fromServer({
${options.map((line) => `  ${line}`).join('\n')}
})

const read = ({ path }: { path: string }) => readFile(path, 'utf8')
console.log(await guard.run('read_file', { path: 'data.csv' }, read))
await guard.close()
`
}

function python({ url, apiKey, env, agentId, bundleName }: SnippetInput): string {
  const options = [
    `url=${quoted(url)},`,
    `api_key=${apiKey ? quoted(apiKey) : 'os.environ["LICTOR_API_KEY"]'},`,
    `agent_id=${quoted(agentId)},`,
    `env=${quoted(env)},`,
    ...(bundleName ? [`bundle_name=${quoted(bundleName)},`] : []),
    ...(needsInsecure(url) ? ['allow_insecure=True,'] : []),
  ]
  return `import asyncio
${apiKey ? '' : 'import os\n'}from pathlib import Path
from edictum import Edictum


async def read_file(path):
    return Path(path).read_text()


async def main():
    guard = await Edictum.from_server(
${options.map((line) => `        ${line}`).join('\n')}
    )
    print(await guard.run("read_file", {"path": "data.csv"}, read_file))
    # A script that ends soon sends its events itself: closing does not.
    for sink in guard.audit_sink.sinks:
        if hasattr(sink, "flush"):
            await sink.flush()
    await guard.close()


asyncio.run(main())
`
}
