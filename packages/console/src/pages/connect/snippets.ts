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
  readonly id: 'typescript' | 'python' | 'go' | 'curl'
  readonly label: string
  /** What to run first; null when nothing has to be installed. */
  readonly install: string | null
  readonly code: string
  /** What one would guess wrong. */
  readonly note: string
}

const quoted = (text: string) => JSON.stringify(text)
const single = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

export function snippets(input: SnippetInput): readonly Snippet[] {
  return [
    {
      id: 'typescript',
      label: 'TypeScript',
      install: 'npm install @lictor/guard',
      code: typescript(input),
      note: 'close() sends what was not sent yet: without it a script that ends soon loses its last events.',
    },
    {
      id: 'python',
      label: 'Python',
      install: "pip install 'edictum[server,yaml]==0.16.0'",
      code: python(input),
      note: 'The extra yaml is needed beside server, or no bundle can be read. Events are sent every few seconds: a script that ends sooner flushes its sinks first, as here; closing does not.',
    },
    {
      id: 'go',
      label: 'Go',
      install: null,
      code: go(input),
      note: 'By the standard library alone: this records a call, and judges none. Contracts are judged where the call is made, by a guard.',
    },
    {
      id: 'curl',
      label: 'curl',
      install: null,
      code: curl(input),
      note: 'The first shows what is deployed for this key, the second records a call, the third asks a person; whoever asked reads the decision at the address of the answer.',
    },
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

/** One event, as the server takes it. The time is when the call was made. */
const event = (agentId: string, env: Environment, timestamp: string, callId: string) =>
  `{"events":[{"call_id":${callId},"agent_id":${quoted(agentId)},"tool_name":"read_file","verdict":"call_allowed","mode":"enforce","timestamp":${timestamp},"payload":{"tool_args":{"path":"data.csv"},"environment":${quoted(env)}}}]}`

function go({ url, apiKey, env, agentId }: SnippetInput): string {
  return `package main

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	now := time.Now().UTC()
	body := fmt.Sprintf(
		\`${event(agentId, env, '%q', '"go-%d"')}\`,
		now.UnixNano(), now.Format(time.RFC3339Nano),
	)
	request, err := http.NewRequest("POST", ${quoted(`${url}/api/v1/events`)}, bytes.NewBufferString(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+${apiKey ? quoted(apiKey) : 'os.Getenv("LICTOR_API_KEY")'})
	request.Header.Set("X-Edictum-Agent-Id", ${quoted(agentId)})
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Fprintln(os.Stdout, answer.Status)
}
`
}

function curl({ url, apiKey, env, agentId, bundleName }: SnippetInput): string {
  const key = apiKey ?? '$LICTOR_API_KEY'
  const headers = [
    `-H "Authorization: Bearer ${key}"`,
    `-H "X-Edictum-Agent-Id: ${agentId}"`,
    `-H "Content-Type: application/json"`,
  ]
  const post = (path: string, body: string) =>
    [`curl -sS ${single(`${url}/api/v1/${path}`)}`, ...headers, `-d "${body.replaceAll('"', '\\"')}"`].join(' \\\n  ')
  const current = `curl -sS ${single(`${url}/api/v1/bundles/${encodeURIComponent(bundleName ?? 'BUNDLE')}/current?env=${env}`)} \\\n  ${headers[0]}`
  const recorded = event(agentId, env, '"$(date -u +%Y-%m-%dT%H:%M:%SZ)"', '"curl-$(date +%s)"')
  const asked = `{"agent_id":${quoted(agentId)},"tool_name":"delete_file","tool_args":{"path":"old.csv"},"message":"May I delete old.csv?","timeout":300}`
  return `${current}

${post('events', recorded)}

${post('approvals', asked)}
`
}
