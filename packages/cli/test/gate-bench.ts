import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer, AssistantName } from '../src/gate/assistants/assistant.ts'
import { assistants } from '../src/gate/assistants/assistants.ts'
import { check } from '../src/gate/check/check.ts'

export interface GateBench {
  readonly home: string
  /** The folder that the assistant works in. */
  readonly work: string
  write(path: string, text: string): void
  read(path: string): string
  /** The events in the gate's own log, as they travel. */
  events(): readonly Recorded[]
  /** One question, in process. */
  ask(format: AssistantName, question: unknown): Promise<Answer>
  /** One question as an assistant puts it, to a process of its own. */
  run(argv: readonly string[], input: string | Buffer | null, options?: RunOptions): Promise<Ran>
  /** The same, with the process in hand. */
  start(argv: readonly string[], input: string | Buffer | null, options?: RunOptions): Started
  /** `lictor`, with this home. */
  command(...argv: string[]): Promise<CommandRan>
  modeOf(path: string): number
  close(): void
}

interface Started {
  readonly ended: Promise<Ran>
  kill(signal: NodeJS.Signals): void
}

interface CommandRan extends Ran {
  json(): unknown
}

export interface Recorded {
  readonly tool_name: string
  readonly verdict: string
  readonly mode: string
  readonly agent_id: string
  readonly call_id: string
  readonly payload: Readonly<Record<string, unknown>> & { readonly tool_args: Readonly<Record<string, unknown>> }
}

interface RunOptions {
  /** Leaves standard input open behind what is written. */
  readonly keepOpen?: boolean
}

interface Ran {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

const entry = fileURLToPath(new URL('../src/gate/check/entry.ts', import.meta.url))
const main = fileURLToPath(new URL('../src/bin.ts', import.meta.url))

export function createGateBench(contracts: string | null, settings = ''): GateBench {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lictor-gate-')))
  const home = join(root, 'home')
  const work = join(root, 'work')
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
  }
  mkdirSync(work, { recursive: true })
  mkdirSync(home, { recursive: true })
  if (contracts !== null) write('.lictor/contracts/base.yaml', contracts)
  if (settings !== '') write('.lictor/gate.yaml', settings)
  const place = { home, environment: {} }
  function start(
    argv: readonly string[],
    input: string | Buffer | null,
    { keepOpen = false }: RunOptions = {},
  ): Started {
    const child = spawn(process.execPath, ['--conditions=@lictor/source', ...argv], {
      cwd: work,
      env: { PATH: process.env.PATH ?? '', HOME: home, XDG_CACHE_HOME: join(home, '.cache') },
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => {})
    if (input !== null) child.stdin.write(input)
    if (!keepOpen) child.stdin.end()
    const ended = new Promise<Ran>((resolve) => {
      child.on('close', (code, signal) =>
        resolve({ code, signal, out: Buffer.concat(out).toString('utf8'), err: Buffer.concat(err).toString('utf8') }),
      )
    })
    return { ended, kill: (signal) => void child.kill(signal) }
  }
  const read = (path: string) => readFileSync(join(home, path), 'utf8')
  return {
    home,
    work,
    write,
    read,
    events: () =>
      read('.lictor/gate/audit.jsonl')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Recorded),
    async ask(format, question) {
      const text = typeof question === 'string' ? question : JSON.stringify(question)
      const { answer } = await check({
        assistant: assistants[format],
        input: Promise.resolve({ text }),
        place,
        contracts: null,
        deadline: Date.now() + 60_000,
        signal: new AbortController().signal,
        enter: () => {},
        note: () => {},
      })
      return answer
    },
    run: (argv, input, options) => start([entry, 'gate', 'check', ...argv], input, options).ended,
    start: (argv, input, options) => start([entry, 'gate', 'check', ...argv], input, options),
    async command(...argv) {
      const ran = await start([main, ...argv], null).ended
      return { ...ran, json: () => JSON.parse(ran.out) as unknown }
    },
    modeOf: (path) => statSync(join(home, path)).mode & 0o777,
    close: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** A bundle has at least one contract. */
const UNUSED =
  '{id: unused, type: pre, tool: no_such_tool, when: {tool.name: {exists: true}}, then: {effect: deny, message: never}}'

/** A bundle of these contracts, each in one line of YAML. */
export const gateBundle = (contracts: readonly string[], mode = 'enforce'): string =>
  [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    'metadata: {name: gate-test}',
    `defaults: {mode: ${mode}}`,
    'contracts:',
    ...(contracts.length === 0 ? [UNUSED] : contracts).map((contract) => `  - ${contract}`),
    '',
  ].join('\n')
