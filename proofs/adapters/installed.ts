import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const folder = fileURLToPath(new URL('.', import.meta.url))

/** A suite, the folder that its frameworks are installed in, and the package that tells that they are. */
export interface Suite {
  readonly file: string
  readonly framework: string
  readonly place: string
}

/** Every suite of this folder, in the order of the table. */
export const suites: readonly Suite[] = [
  { file: 'ai.test.ts', framework: 'ai', place: '.' },
  { file: 'openai-agents.test.ts', framework: '@openai/agents', place: '.' },
  { file: 'langchain.test.ts', framework: 'langchain', place: '.' },
  { file: 'langchain.test.ts', framework: '@langchain/langgraph', place: '.' },
  { file: 'durable.test.ts', framework: '@langchain/langgraph', place: '.' },
  { file: 'anthropic.test.ts', framework: '@anthropic-ai/sdk', place: '.' },
  { file: 'mcp.test.ts', framework: '@modelcontextprotocol/sdk', place: '.' },
  { file: 'mcp.test.ts', framework: '@modelcontextprotocol/client', place: '.' },
  { file: 'mcp.test.ts', framework: '@modelcontextprotocol/server', place: '.' },
  { file: 'mastra.test.ts', framework: '@mastra/core', place: '.' },
  { file: 'loops.test.ts', framework: 'openai', place: '.' },
  { file: 'loops.test.ts', framework: '@google/genai', place: '.' },
  { file: 'google-adk.test.ts', framework: '@google/adk', place: '.' },
  { file: 'genkit.test.ts', framework: 'genkit', place: '.' },
  { file: 'llamaindex.test.ts', framework: 'llamaindex', place: '.' },
  { file: 'strands.test.ts', framework: '@strands-agents/sdk', place: '.' },
  { file: 'otel.test.ts', framework: '@opentelemetry/sdk-trace-base', place: '.' },
  { file: 'claude-agent/claude-agent.test.ts', framework: '@anthropic-ai/claude-agent-sdk', place: 'claude-agent' },
  { file: 'voltagent/voltagent.test.ts', framework: '@voltagent/core', place: 'voltagent' },
]

export const isInstalled = ({ framework, place }: Suite): boolean =>
  existsSync(`${folder}${place}/node_modules/${framework}/package.json`)

export function versionOf({ framework, place }: Pick<Suite, 'framework' | 'place'>): string {
  const { version } = JSON.parse(readFileSync(`${folder}${place}/node_modules/${framework}/package.json`, 'utf8')) as {
    version: string
  }
  return version
}
