import { mkdirSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { ASSISTANT_NAMES, type Assistant, isAssistantName } from '../assistants/assistant.ts'
import { assistants } from '../assistants/assistants.ts'
import { type GatePlace, gateFolder } from '../place.ts'
import { seenPath } from '../record/seen.ts'
import type { GateSettings } from '../settings.ts'
import { type Checked, check } from './check.ts'
import { readInput } from './input.ts'
import { PROOF_TOOL } from './proof-tool.ts'

/** Of the time that the assistant waits: what is left is for starting, answering and a busy machine. */
const SHARE_OF_PATIENCE = 0.8

interface Request {
  readonly assistant: Assistant
  readonly contracts: readonly string[] | null
  readonly patienceSeconds: number
}

/** `lictor gate check`, as assistants call it: a process that loads nothing else. Ends the process. */
export async function runGateCheck(argv: readonly string[], program: string): Promise<never> {
  const request = requestOf(argv)
  if (typeof request === 'string') {
    write(2, `lictor gate check: ${request}\n`)
    return process.exit(2)
  }
  const place = { home: process.env.HOME || homedir(), environment: process.env }
  // Not `performance`, which takes longer to load than to ask the contracts.
  const started = Date.now() - process.uptime() * 1000
  const deadline = started + request.patienceSeconds * SHARE_OF_PATIENCE * 1000
  const end = new AbortController()
  let isReading = true
  const input = readInput().finally(() => {
    isReading = false
  })
  const checking = check({
    ...request,
    input,
    place,
    deadline,
    signal: end.signal,
    enter: (folder) => process.chdir(folder),
    note: (text) => write(2, `${text}\n`),
  })
  const late = lateAnswer(request, deadline, started)
  takeBackWhenLeft(end)
  const checked = await Promise.race([checking, late.then((one) => abandoned(one, checking, end))])
  if (checked.answer.stdout !== '') write(1, checked.answer.stdout)
  if (checked.answer.stderr !== '') write(2, checked.answer.stderr)
  afterwards(checked, place, program)
  // A read that waits for its end keeps the process from exiting. Whoever called takes this end for a refusal, too.
  if (isReading) process.kill(process.pid, 'SIGKILL')
  return process.exit(checked.answer.code)
}

/** By hand: it is three options, and Node's own parser takes longer to load than all of this. */
function requestOf(argv: readonly string[]): Request | string {
  let name = 'claude-code'
  let patience: string | null = null
  const contracts: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const [option = '', joined] = (argv[at] ?? '').split(/=(.*)/s)
    if (option === '--json') {
      name = 'raw'
      continue
    }
    if (!OPTIONS.includes(option)) return `${option}: the options are ${OPTIONS.join(', ')} and --json`
    const value = joined ?? argv[++at]
    if (value === undefined) return `${option} needs a value`
    if (option === '--format') name = value
    else if (option === '--contracts') contracts.push(value)
    else patience = value
  }
  if (!isAssistantName(name)) return `--format ${name}: allowed are ${ASSISTANT_NAMES.join(', ')}`
  const assistant = assistants[name]
  const patienceSeconds = patience === null ? assistant.patienceSeconds : Number(patience)
  if (!(patienceSeconds > 0)) return `--timeout ${patience}: seconds above 0 are allowed`
  return { assistant, contracts: contracts.length > 0 ? contracts : null, patienceSeconds }
}

const OPTIONS: readonly string[] = ['--format', '--contracts', '--timeout']

/** The assistant's own time-out lets the call run: the gate refuses before. */
function lateAnswer({ assistant }: Request, deadline: number, started: number): Promise<Late> {
  return new Promise((resolve) => {
    const seconds = Math.round((deadline - started) / 1000)
    setTimeout(
      () => {
        const reason = `The gate did not decide within ${seconds} s`
        const answer = assistant.deny({ contractsEvaluated: 0, contract: null, reason })
        resolve({ reason, checked: { answer, assistant, verdict: 'deny', tool: null, settings: null } })
      },
      Math.max(0, deadline - Date.now()),
    )
  })
}

interface Late {
  readonly reason: string
  readonly checked: Checked
}

/** Takes the call back, so that it is recorded how it ended, and answers with the refusal all the same. */
async function abandoned(late: Late, checking: Promise<Checked>, end: AbortController): Promise<Checked> {
  end.abort(new Error(late.reason))
  const settled = await Promise.race([checking, new Promise<null>((resolve) => setTimeout(resolve, 250, null))])
  return settled === null || settled.verdict === 'allow'
    ? late.checked
    : { ...late.checked, settings: settled.settings }
}

/** Nobody waits for an answer any more: the assistant ended, or ended this program. */
function takeBackWhenLeft(end: AbortController): void {
  const parent = process.ppid
  const left = () => end.abort(new Error('The assistant is gone'))
  setInterval(() => {
    if (process.ppid !== parent) left()
  }, 1000).unref()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, left)
}

function write(descriptor: 1 | 2, text: string): void {
  let bytes = Buffer.from(text, 'utf8')
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes))
    } catch (error) {
      // A pipe that is full for the moment.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') continue
      // Nobody reads any more. The code alone says the rest.
      return
    }
  }
}

/** What follows the answer: when this assistant last called, and from time to time the way to the console. */
function afterwards(checked: Checked, place: GatePlace, program: string): void {
  try {
    if (checked.tool !== PROOF_TOOL) markSeen(checked, place)
    if (checked.settings?.console && isDue(checked.settings, place)) startSync(program)
  } catch {
    // The answer is given. `gate status` shows what is missing.
  }
}

function markSeen({ assistant, verdict, tool }: Checked, place: GatePlace): void {
  const path = seenPath(place, assistant.name)
  const text = JSON.stringify({ at: new Date().toISOString(), tool, verdict })
  try {
    writeFileSync(path, text, { mode: 0o600 })
  } catch {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text, { mode: 0o600 })
  }
}

/** Marked before it is done, so that checks at the same time start one. */
function isDue({ audit }: GateSettings, place: GatePlace): boolean {
  const path = join(gateFolder(place), 'last-sync')
  const last = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const now = Date.now()
  if (now - last < audit.flushSeconds * 1000) return false
  try {
    utimesSync(path, now / 1000, now / 1000)
  } catch {
    mkdirSync(gateFolder(place), { recursive: true, mode: 0o700 })
    writeFileSync(path, '', { mode: 0o600 })
  }
  return true
}

function startSync(program: string): void {
  const { spawn } = process.getBuiltinModule('node:child_process')
  spawn(process.execPath, [program, 'gate', 'sync', '--quiet'], { detached: true, stdio: 'ignore', cwd: '/' })
    .on('error', () => {})
    .unref()
}
