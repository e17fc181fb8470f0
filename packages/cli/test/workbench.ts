import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { runCli, type Terminal } from '../src/index.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Standard output as JSON. */
  json(): unknown
}

/** A folder with files, and the command line run in it, in process. */
export interface Workbench {
  readonly folder: string
  write(path: string, text: string | Uint8Array): void
  read(path: string): string
  run(...argv: string[]): Promise<Ran>
  /** The same with this standard input. */
  runWith(input: string, ...argv: string[]): Promise<Ran>
  close(): void
}

export function createWorkbench(
  files: Readonly<Record<string, string>> = {},
  environment: Terminal['environment'] = {},
  pause: Terminal['pause'] = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
): Workbench {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-cli-'))
  const write = (path: string, text: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  async function runWith(input: string, ...argv: string[]): Promise<Ran> {
    const out: string[] = []
    const err: string[] = []
    const code = await runCli(argv, {
      environment,
      workingDirectory: folder,
      isInteractive: false,
      print: (line) => void out.push(stripVTControlCharacters(line)),
      note: (line) => void err.push(stripVTControlCharacters(line)),
      readInput: async () => input,
      interrupted: new Promise(() => {}),
      pause,
    })
    const text = out.join('\n')
    return { code, out: text, err: err.join('\n'), json: () => JSON.parse(text) }
  }
  return {
    folder,
    write,
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    run: (...argv) => runWith('', ...argv),
    runWith,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A bundle of these contracts, each a line of flow YAML. */
export function bundle(contracts: readonly string[], mode = 'enforce', more = ''): string {
  return `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: ${mode}}
${more}contracts:
${contracts.map((contract) => `  - ${contract}`).join('\n')}
`
}

export const NO_RM =
  "{id: no-rm, type: pre, tool: bash, when: {args.command: {matches: '\\brm\\b'}}, then: {effect: deny, message: 'No {args.command}', tags: [destructive]}}"
export const ASK =
  '{id: ask-deploy, type: pre, tool: deploy_*, when: {environment: {equals: production}}, then: {effect: approve, message: Ask first}}'
export const FILES =
  "{id: files, type: sandbox, tools: [read_file], within: [/workspace], message: 'Outside: {args.path}'}"
export const WATCH =
  "{id: watch, type: pre, mode: observe, tool: '*', when: {args.path: {contains: secret}}, then: {effect: deny, message: looks secret}}"
export const PII =
  "{id: pii, type: post, tool: '*', when: {output.text: {matches: '\\d{3}-\\d{2}-\\d{4}'}}, then: {effect: warn, message: personal data}}"
export const LIMITS =
  '{id: limits, type: session, limits: {max_tool_calls: 5, max_calls_per_tool: {deploy_api: 1}}, then: {effect: deny, message: enough}}'
