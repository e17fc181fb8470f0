import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from '../../packages/cli/src/gate/install/install.ts'
import { type FakeModel, type ModelCall, startModel } from './model.ts'
import type { Program, Run } from './programs.ts'

export const CASES = ['denied', 'allowed', 'person', 'mcp', 'sub-agent', 'missing', 'late'] as const
export type Case = (typeof CASES)[number]

/** What is in every first request of the program, and in none of its sub-agents. */
export const MAIN = 'begin-main'
const SUB = 'begin-sub'
/** The longest that one run may take, on a busy machine. */
const LONGEST_MS = 150_000

/** Somebody who is asked, behind an address that the gate knows. */
export interface Person {
  readonly url: string
  readonly apiKey: string
  /** Approves what is asked until it is told to stop; returns how often. */
  approveAll(): { stop(): Promise<number> }
}

export interface Outcome {
  readonly isHeld: boolean
  readonly detail: string
  readonly seconds: number
}

const lictor = realpathSync(fileURLToPath(new URL('../../packages/cli/bin/lictor.js', import.meta.url)))

/** Runs one case of one program, in a home folder of its own. */
export async function prove(
  program: Program,
  executable: string,
  which: Case,
  person: Person,
  keepWire: string | null,
): Promise<Outcome> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), `lictor-proof-${program.assistant}-`)))
  const home = join(root, 'home')
  const work = join(root, 'work')
  for (const folder of [home, work]) mkdirSync(folder, { recursive: true })
  const made = join(work, 'made.txt')
  const hole = await blackHole()
  const model = await startModel(script(program, which, made))
  const begun = performance.now()
  try {
    const mcp = [process.execPath, fileURLToPath(new URL('./mcp-server.mjs', import.meta.url))] as const
    const run: Run = { home, work, model: model.url, mcp: [...mcp] }
    program.prepare(run)
    settle(program, run, which, which === 'late' ? { ...person, url: hole.url } : person)
    place(program, run, which, keepWire)
    const approving = which === 'person' ? person.approveAll() : null
    const ended = await start(program, executable, run)
    const approved = (await approving?.stop()) ?? 0
    const seconds = (performance.now() - begun) / 1000
    return { ...judged({ program, which, made, model, home, approved, ended }), seconds }
  } finally {
    await model.close()
    hole.close()
    await endLeftovers(home)
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
}

function script(program: Program, which: Case, made: string): (request: string) => ModelCall | null {
  let calls = 0
  const touch = program.shell(`touch ${made}`)
  if (which === 'mcp') return () => (calls++ === 0 ? program.mcp(made) : null)
  if (which !== 'sub-agent') return () => (calls++ === 0 ? touch : null)
  let isCalled = false
  return (request) => {
    if (!request.includes(MAIN)) {
      if (isCalled) return null
      isCalled = true
      return touch
    }
    calls++
    if (calls === 1) return program.subAgent?.(SUB) ?? null
    // A sub-agent may work beside the one that began it, which has to be there that long.
    return isCalled || calls > 8 ? null : program.shell('sleep 2')
  }
}

function settle(program: Program, run: Run, which: Case, person: Person): void {
  const effect = which === 'person' || which === 'late' ? 'approve' : 'deny'
  const contract = (tool: string, when: string) =>
    `  - {id: no-touch, type: pre, tool: ${JSON.stringify(tool)}, when: ${when}, then: {effect: ${effect}, message: no touch here}}`
  const shell = contract(
    'Bash',
    which === 'allowed' ? '{args.command: {contains: nothing-of-it}}' : '{args.command: {contains: touch}}',
  )
  const contracts = which === 'mcp' ? contract(program.mcpName, '{tool.name: {exists: true}}') : shell
  const head =
    'apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: proof}\ndefaults: {mode: enforce}\ncontracts:\n'
  put(join(run.home, '.lictor/contracts/base.yaml'), `${head}${contracts}\n`)
  const console =
    which === 'person' || which === 'late'
      ? `console: {url: ${JSON.stringify(person.url)}, api_key: ${JSON.stringify(person.apiKey)}, agent_id: proof-${program.assistant}}\n`
      : ''
  put(join(run.home, '.lictor/gate.yaml'), `fail_open: false\n${console}`)
}

function place(program: Program, run: Run, which: Case, keepWire: string | null): void {
  const { home, work } = run
  const places = { home, environment: program.environment(run), project: work, etc: join(home, 'etc') }
  const node =
    keepWire === null || which === 'missing' || which === 'late'
      ? process.execPath
      : keeping(home, join(keepWire, `${program.assistant}.${which}.json`))
  const seconds = which === 'late' ? 10 : 120
  const installed = install(program.assistant, { places, program: { node, script: lictor }, seconds, isManaged: false })
  if (!installed.proof.isProven) throw new Error(`the installation was not proven: ${installed.proof.detail}`)
  if (which !== 'missing') return
  const text = readFileSync(installed.path, 'utf8')
  writeFileSync(installed.path, text.replaceAll(process.execPath, '/nonexistent/node'))
}

/** A Node that keeps what it is asked about the call of this proof, as the program puts it; several may be asked at once. */
function keeping(home: string, file: string): string {
  const path = join(home, 'keeping-node')
  const own = `'${file}'.$$`
  const lines = ['#!/bin/sh', `cat > ${own}`, `if grep -q made.txt ${own}; then cp ${own} '${file}'; fi`]
  put(file, '')
  writeFileSync(path, `${lines.join('\n')}\nexec '${process.execPath}' "$@" < ${own}\n`, { mode: 0o755 })
  return path
}

interface Ended {
  readonly code: number | null
  readonly output: string
}

function start(program: Program, executable: string, run: Run): Promise<Ended> {
  const argv = (program.argvFor?.(run) ?? program.argv).map((word) =>
    word === 'go' ? MAIN : word === 'two words' ? `${MAIN} now` : word,
  )
  const env = environmentOf(program, run)
  if (program.firstArgv) spawnSync(executable, program.firstArgv(run), { cwd: run.work, env, timeout: LONGEST_MS })
  const child = spawn(executable, argv, { cwd: run.work, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env })
  let output = ''
  const read = (chunk: Buffer) => {
    output += chunk.toString('utf8')
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const late = setTimeout(() => endGroup(child.pid), LONGEST_MS)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      clearTimeout(late)
      endGroup(child.pid)
      resolve({ code, output })
    })
  })
}

const environmentOf = (program: Program, run: Run): NodeJS.ProcessEnv => ({
  PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
  HOME: run.home,
  XDG_CONFIG_HOME: join(run.home, '.config'),
  XDG_DATA_HOME: join(run.home, '.local/share'),
  XDG_CACHE_HOME: join(run.home, '.cache'),
  XDG_STATE_HOME: join(run.home, '.local/state'),
  TERM: 'dumb',
  CI: '1',
  ...program.environment(run),
})

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

/** Programs leave helpers behind: those whose home folder was ours are ended, each by its number. */
async function endLeftovers(home: string): Promise<void> {
  const { readdirSync } = await import('node:fs')
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${home}`))
        process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended, or is not ours.
    }
  }
}

interface Facts {
  readonly program: Program
  readonly which: Case
  readonly made: string
  readonly model: FakeModel
  readonly home: string
  readonly approved: number
  readonly ended: Ended
}

function judged({ program, which, made, model, home, approved, ended }: Facts): Omit<Outcome, 'seconds'> {
  const ran = existsSync(made)
  const log = join(home, '.lictor/gate/audit.jsonl')
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
  const events = lines.map(
    (line) => JSON.parse(line) as { verdict: string; tool_name: string; payload: { sub_agent?: string } },
  )
  const was = (verdict: string) => events.some((event) => event.verdict === verdict)
  const told = (text: string) => model.requests.some((request) => request.includes(text))
  const facts = `ran ${ran}, ${events.map(({ verdict, tool_name }) => `${verdict} ${tool_name}`).join(', ') || 'no event'}, ${model.requests.length} requests, code ${ended.code}`
  const failed = (why: string) => ({ isHeld: false, detail: `${why} (${facts}): ${ended.output.slice(-600)}` })
  const isEnded = program.endsWhenRefused === true
  if (model.requests.length < (isEnded && which !== 'allowed' && which !== 'person' ? 1 : 2))
    return failed('the program asked the model too seldom')
  if (which === 'allowed' || which === 'person') {
    if (!ran) return failed('the call did not run')
    if (!was('call_allowed') && !was('call_approval_granted')) return failed('the gate was not asked')
    if (which === 'person' && approved < 1) return failed('nobody was asked')
    return { isHeld: true, detail: which === 'person' ? 'waited for a person, then ran' : 'ran' }
  }
  if (ran) return failed('the call ran')
  if (which === 'missing') {
    // Not every program hands on what a hook that failed wrote.
    return {
      isHeld: true,
      detail: told('lictor gate did not answer') ? 'did not run, and the model was told why' : 'did not run',
    }
  }
  if (which === 'late') {
    if (!isEnded && !told('did not decide within')) return failed('the model was not told that the gate was late')
    return { isHeld: true, detail: 'did not run' }
  }
  if (!was('call_denied')) return failed('the gate did not refuse')
  if (which === 'mcp' && !events.some(({ tool_name }) => tool_name === program.mcpName))
    return failed('the tool has another name')
  if (isEnded) return { isHeld: true, detail: 'did not run, and the run ended' }
  if (!told('no touch here')) return failed('the model was not told why')
  return { isHeld: true, detail: 'did not run, and the model was told why' }
}

/** Takes connections and never answers. */
async function blackHole(): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
