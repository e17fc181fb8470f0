#!/usr/bin/env node
// The default agent bootstrap for Node 18 and later, without dependencies.
//
// It carries a prompt to the orchestrator, runs the commands the orchestrator dispatches, and prints the final answer.
// Usage: node bootstrap.mjs <prompt>   (or the prompt on standard input)
// Exit codes: 0 final answer printed, 1 anything else (the reason is on standard error), 128+n stopped by signal n.
import { spawn } from 'node:child_process'
import { closeSync, constants as fileConstants, openSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { constants } from 'node:os'

const FALLBACK_URLS = ['http://host.docker.internal:8088', 'http://host.containers.internal:8088']
const DEFAULT_CWD = '/workspace'
const DEFAULT_TIMEOUT_SECS = 60
const DEFAULT_MAX_OUTPUT_BYTES = 524_288
const DEFAULT_LLM_TIMEOUT_SECS = 300
const CONNECT_TIMEOUT_MS = 10_000
const MAX_TIMER_MS = 2 ** 31 - 1
/** How long output of a command that has ended is waited for when a background process still holds its pipes. */
const PIPE_GRACE_MS = 500
/** Waits between deliveries of a result while the orchestrator cannot be reached. */
const REDELIVERY_MS = [500, 1_000, 2_000]
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOENT',
  'EACCES',
])

/** A reason to give up; its message is all the caller needs to read. */
class BootstrapError extends Error {}

/** The orchestrator could not be reached at all, so nothing was delivered. */
class UnreachableError extends BootstrapError {}

const debugging = Boolean(process.env.AEGIS_BOOTSTRAP_DEBUG)
const debug = (message) => {
  if (debugging) process.stderr.write(`[BOOTSTRAP DEBUG] ${message}\n`)
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function readPrompt() {
  if (process.argv[2] !== undefined && process.argv[2].trim() !== '') return process.argv[2]
  if (process.stdin.isTTY) throw new BootstrapError('no prompt: give it as the first argument or on standard input')
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  const prompt = Buffer.concat(chunks).toString('utf8')
  if (prompt.trim() === '') throw new BootstrapError('the prompt is empty')
  return prompt
}

/**
 * In an instance that was started before there was anything to do: wait on standard input for the environment and the prompt.
 * What the sandbox itself set stays as it is.
 */
async function awaitJob() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  // Nobody needs it any more.
  if (chunks.length === 0) process.exit(0)
  const { env, prompt } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  delete process.env.LICTOR_AWAITS_JOB
  for (const [name, value] of Object.entries(env)) process.env[name] ??= value
  return prompt
}

function requireVariable(name) {
  const value = process.env[name]
  if (!value) throw new BootstrapError(`${name} is not set; the orchestrator sets it when it starts an agent`)
  return value
}

function positiveInteger(value, otherwise) {
  const number = Number(value)
  return Number.isSafeInteger(number) && number > 0 ? number : otherwise
}

const asText = (value) => (typeof value === 'string' ? value : JSON.stringify(value))

/** The prompt preceded by what earlier attempts produced and why they were not accepted. */
function withHistory(prompt) {
  const written = process.env.AEGIS_ITERATION_HISTORY
  if (!written) return prompt
  let history
  try {
    history = JSON.parse(written)
  } catch {
    history = undefined
  }
  if (!Array.isArray(history)) {
    process.stderr.write('[BOOTSTRAP WARNING] AEGIS_ITERATION_HISTORY is not a JSON array; it is ignored\n')
    return prompt
  }
  if (history.length === 0) return prompt
  const parts = ['# Previous Attempts:', '']
  history.forEach((entry, index) => {
    const attempt = entry && typeof entry === 'object' ? entry : { output: entry }
    parts.push(`## Iteration ${attempt.iteration ?? index + 1}:`)
    if (attempt.output != null) parts.push(`Output: ${asText(attempt.output)}`)
    if (attempt.error != null) parts.push(`Error: ${asText(attempt.error)}`)
    if (attempt.validation_reason != null) parts.push(`Rejected: ${asText(attempt.validation_reason)}`)
    if (attempt.feedback != null) parts.push(`Feedback: ${asText(attempt.feedback)}`)
    parts.push('')
  })
  parts.push('# Current Attempt:', '', prompt)
  return parts.join('\n')
}

function orchestratorUrls() {
  const own = process.env.AEGIS_ORCHESTRATOR_URL
  const urls = [...(own ? [own] : []), ...FALLBACK_URLS].map((url) => url.replace(/\/+$/, ''))
  return [...new Set(urls)]
}

/** Where to connect. `http+unix://%2Frun%2Fgateway.sock/prefix` is a Unix socket, for sandboxes without a network. */
function requestTarget(base) {
  const unix = /^http\+unix:\/\/([^/]+)(\/.*)?$/.exec(base)
  if (unix) {
    return {
      transport: http,
      options: {
        socketPath: decodeURIComponent(unix[1]),
        path: `${unix[2] ?? ''}/v1/dispatch-gateway`,
        headers: { host: 'localhost' },
      },
    }
  }
  let url
  try {
    url = new URL(`${base}/v1/dispatch-gateway`)
  } catch {
    throw new BootstrapError('AEGIS_ORCHESTRATOR_URL is not a URL')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BootstrapError(`AEGIS_ORCHESTRATOR_URL must start with http:// or https://, not ${url.protocol}//`)
  }
  return { transport: url.protocol === 'https:' ? https : http, options: { ...urlOptions(url), headers: {} } }
}

function urlOptions(url) {
  const { protocol, hostname, port, pathname, search, username, password } = url
  return {
    protocol,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: pathname + search,
    ...(username ? { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` } : {}),
  }
}

/** The address without what may be secret in it: the path prefix and any user information. */
function shown(base) {
  if (base.startsWith('http+unix:')) return 'the orchestrator socket'
  try {
    return new URL(base).origin
  } catch {
    return 'the orchestrator'
  }
}

/** POST one message and return the reply object. */
function post(base, message, timeoutSecs) {
  const body = Buffer.from(JSON.stringify(message))
  const { transport, options } = requestTarget(base)
  return new Promise((resolve, reject) => {
    const request = transport.request({
      ...options,
      method: 'POST',
      agent: false,
      headers: { ...options.headers, 'content-type': 'application/json', 'content-length': body.length },
    })
    const fail = (error) => {
      clearTimeout(deadline)
      reject(error)
      request.destroy()
    }
    const broken = (error) => fail(new BootstrapError(`the connection to ${shown(base)} broke: ${error.message}`))
    const deadline = setTimeout(
      () => fail(new BootstrapError(`${shown(base)} gave no answer within ${timeoutSecs} s`)),
      Math.min(timeoutSecs * 1000, MAX_TIMER_MS),
    )
    let connected = false
    request.on('socket', (socket) => {
      const unreachable = () => fail(new UnreachableError(`cannot reach ${shown(base)}: no connection within 10 s`))
      const limit = setTimeout(unreachable, CONNECT_TIMEOUT_MS)
      socket.once('connect', () => {
        connected = true
        clearTimeout(limit)
      })
      socket.once('close', () => clearTimeout(limit))
    })
    request.on('error', (error) => {
      if (!connected && UNREACHABLE.has(error.code)) {
        fail(new UnreachableError(`cannot reach ${shown(base)}: ${error.code}`))
      } else broken(error)
    })
    request.on('response', (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', broken)
      response.on('end', () => {
        clearTimeout(deadline)
        try {
          resolve(readReply(response.statusCode, Buffer.concat(chunks).toString('utf8')))
        } catch (error) {
          reject(error)
        }
      })
    })
    request.end(body)
  })
}

function readReply(status, text) {
  if (status < 200 || status > 299) {
    throw new BootstrapError(`the orchestrator answered HTTP ${status}: ${text.slice(0, 2_000)}`)
  }
  let reply
  try {
    reply = JSON.parse(text)
  } catch {
    throw new BootstrapError(`the orchestrator's answer is not JSON: ${text.slice(0, 200)}`)
  }
  if (reply === null || typeof reply !== 'object' || Array.isArray(reply)) {
    throw new BootstrapError('the orchestrator answered with something other than a JSON object')
  }
  return reply
}

/** Keeps the end of a stream: everything while it is short, its last `limit` bytes when it is long. */
class Tail {
  constructor(limit) {
    this.limit = limit
    this.chunks = []
    this.kept = 0
    this.total = 0
  }

  push(chunk) {
    this.total += chunk.length
    if (this.limit === 0) return
    this.chunks.push(chunk)
    this.kept += chunk.length
    while (this.kept - this.chunks[0].length >= this.limit) this.kept -= this.chunks.shift().length
  }

  /** The last `bytes` bytes as text, starting at a whole character. */
  text(bytes = this.limit) {
    const all = Buffer.concat(this.chunks)
    const text = tailFrom(all, bytes).toString('utf8')
    // Bytes that are no UTF-8 grow when they are replaced, so that the text can be longer than they were.
    const encoded = Buffer.from(text)
    return encoded.length <= bytes ? text : tailFrom(encoded, bytes).toString('utf8')
  }
}

function tailFrom(bytes, limit) {
  if (bytes.length <= limit) return bytes
  let start = bytes.length - limit
  const latest = Math.min(start + 3, bytes.length)
  while (start < latest && (bytes[start] & 0xc0) === 0x80) start++
  return bytes.subarray(start)
}

/** Process groups of running commands, ended with the bootstrap itself. */
const running = new Set()

function killGroup(child) {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') debug(`could not stop process group ${child.pid}: ${error.message}`)
  }
}

const refusal = (stderr) => ({ exit_code: -1, stdout: '', stderr, truncated: false })

function isFolder(path) {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/**
 * Open a folder of which no part of the path may be a link, and hand `use` a path that stays with it whatever is renamed
 * meanwhile. Undefined when a part is a link.
 */
async function inFolder(path, use) {
  if (process.platform !== 'linux') return realpathSync(path) === path ? use(path) : undefined
  const flags = fileConstants.O_RDONLY | fileConstants.O_DIRECTORY | fileConstants.O_NOFOLLOW
  let folder = openSync('/', flags)
  try {
    for (const component of path.split('/').filter(Boolean)) {
      const above = folder
      folder = openSync(`/proc/self/fd/${above}/${component}`, flags)
      closeSync(above)
    }
    return await use(`/proc/self/fd/${folder}`)
  } catch (error) {
    if (error.code !== 'ELOOP' && error.code !== 'ENOTDIR') throw error
    return undefined
  } finally {
    closeSync(folder)
  }
}

/** Run one dispatched command and describe what it did. Never throws. */
async function execute(dispatch) {
  if (dispatch.action !== 'exec') return refusal(`unknown_action:${dispatch.action}`)
  const { command } = dispatch
  if (typeof command !== 'string' || command.trim() === '') return refusal('[AEGIS] The dispatch names no command')
  const args = Array.isArray(dispatch.args) ? dispatch.args.map(asText) : []
  const cwd = typeof dispatch.cwd === 'string' && dispatch.cwd !== '' ? dispatch.cwd : DEFAULT_CWD
  if (!isFolder(cwd)) return refusal(`[AEGIS] Working directory does not exist: ${cwd}`)
  const timeoutSecs = Number(dispatch.timeout_secs) > 0 ? Number(dispatch.timeout_secs) : DEFAULT_TIMEOUT_SECS
  const maxOutputBytes =
    Number.isSafeInteger(dispatch.max_output_bytes) && dispatch.max_output_bytes >= 0
      ? dispatch.max_output_bytes
      : DEFAULT_MAX_OUTPUT_BYTES
  const env = { ...process.env }
  for (const [name, value] of Object.entries(dispatch.env_additions ?? {})) env[name] = asText(value)
  const shell = dispatch.shell !== false
  const line = shell ? [[command, ...args].join(' '), []] : [command, args]
  const runIn = (folder) => run(line, { cwd: folder, env, shell }, timeoutSecs, maxOutputBytes)
  try {
    if (dispatch.follow_links !== false) return await runIn(cwd)
    const result = await inFolder(cwd, runIn)
    return result ?? refusal(`[AEGIS] Working directory is reached through a link: ${cwd}`)
  } catch (error) {
    return refusal(`[AEGIS] Command could not be started: ${error.message}`)
  }
}

function run([command, args], options, timeoutSecs, maxOutputBytes) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    running.add(child)
    const stdout = new Tail(maxOutputBytes)
    const stderr = new Tail(maxOutputBytes)
    let finished = false
    let timedOut = false
    child.stdout.on('data', (chunk) => finished || stdout.push(chunk))
    child.stderr.on('data', (chunk) => finished || stderr.push(chunk))
    const timer = setTimeout(
      () => {
        timedOut = true
        killGroup(child)
      },
      Math.min(timeoutSecs * 1000, MAX_TIMER_MS),
    )
    child.once('error', (error) => {
      clearTimeout(timer)
      running.delete(child)
      reject(error)
    })
    let grace
    const finish = (code, signal) => {
      if (finished) return
      finished = true
      clearTimeout(grace)
      resolve(report({ code, signal, timedOut, timeoutSecs, maxOutputBytes, stdout, stderr }))
    }
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      grace = setTimeout(finish, PIPE_GRACE_MS, code, signal)
    })
    child.once('close', finish)
  })
}

function report({ code, signal, timedOut, timeoutSecs, maxOutputBytes, stdout, stderr }) {
  const truncated = stdout.total + stderr.total > maxOutputBytes
  const limit = truncated ? Math.floor(maxOutputBytes / 2) : maxOutputBytes
  const result = {
    exit_code: exitCode(code, signal),
    stdout: stdout.text(limit),
    stderr: stderr.text(limit),
    truncated,
  }
  if (!timedOut) return result
  const notice = `[AEGIS] Command timed out after ${timeoutSecs}s`
  const separator = result.stderr === '' || result.stderr.endsWith('\n') ? '' : '\n'
  return { ...result, exit_code: -1, stderr: `${result.stderr}${separator}${notice}` }
}

/** As shells do: a process ended by a signal has exit code 128 plus its number. */
function exitCode(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0)
}

/**
 * In a sandbox without a network of its own: offer what is behind Unix sockets at ports of the loopback, the proxy where
 * HTTP_PROXY says. Resolves when they can be used; they end with this process.
 */
async function startForwarders() {
  const pairs = (process.env.LICTOR_FORWARD ?? '').split(',').filter(Boolean)
  for (const pair of pairs) await startForwarder(Number(pair.split('=')[0]), pair.slice(pair.indexOf('=') + 1))
}

function startForwarder(port, path) {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const proxy = net.connect({ path, allowHalfOpen: true })
    const end = () => {
      client.destroy()
      proxy.destroy()
    }
    client.on('error', end).pipe(proxy)
    proxy.on('error', end).pipe(client)
  })
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new BootstrapError(`the network cannot be offered: ${error.message}`)))
    server.listen(port, '127.0.0.1', resolve)
  })
}

/** Beside a program of the agent's own, which is told by a file that the network can be used. Never resolves. */
function forwardAlone(ready) {
  writeFileSync(ready, '')
  return new Promise(() => setInterval(() => {}, MAX_TIMER_MS))
}

async function generate(urls, message, timeoutSecs) {
  const failures = []
  for (const url of urls) {
    try {
      debug(`generate to ${shown(url)}`)
      return { url, reply: await post(url, message, timeoutSecs) }
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      failures.push(error.message)
    }
  }
  throw new BootstrapError(failures.join('; '))
}

/** Delivered again only while the orchestrator is unreachable: a result that may have arrived is never sent twice. */
async function deliver(url, message, timeoutSecs) {
  for (const wait of REDELIVERY_MS) {
    try {
      return await post(url, message, timeoutSecs)
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      debug(`${error.message}; again in ${wait} ms`)
      await pause(wait)
    }
  }
  return post(url, message, timeoutSecs)
}

async function main() {
  await startForwarders()
  if (process.env.LICTOR_FORWARD_READY) await forwardAlone(process.env.LICTOR_FORWARD_READY)
  const prompt = process.env.LICTOR_AWAITS_JOB ? await awaitJob() : await readPrompt()
  const modelAlias = requireVariable('AEGIS_MODEL_ALIAS')
  const executionId = requireVariable('AEGIS_EXECUTION_ID')
  const timeoutSecs = positiveInteger(process.env.AEGIS_LLM_TIMEOUT_SECONDS, DEFAULT_LLM_TIMEOUT_SECS)
  let { url, reply } = await generate(
    orchestratorUrls(),
    {
      type: 'generate',
      agent_id: process.env.AEGIS_AGENT_ID ?? '',
      execution_id: executionId,
      iteration_number: positiveInteger(process.env.AEGIS_ITERATION, 1),
      model_alias: modelAlias,
      prompt: withHistory(prompt),
      messages: [],
    },
    timeoutSecs,
  )
  while (reply.type === 'dispatch') {
    if (typeof reply.dispatch_id !== 'string') throw new BootstrapError('the orchestrator sent a dispatch without id')
    const started = process.hrtime.bigint()
    const result = await execute(reply)
    const duration = Number((process.hrtime.bigint() - started) / 1_000_000n)
    debug(`dispatch ${reply.dispatch_id}: exit ${result.exit_code} after ${duration} ms`)
    reply = await deliver(
      url,
      {
        type: 'dispatch_result',
        execution_id: executionId,
        dispatch_id: reply.dispatch_id,
        exit_code: result.exit_code,
        stdout: result.stdout,
        stderr: result.stderr,
        duration_ms: duration,
        truncated: result.truncated,
      },
      timeoutSecs,
    )
  }
  if (typeof reply.content !== 'string') {
    throw new BootstrapError('the orchestrator answered with neither a command nor a final text')
  }
  return reply.content
}

/** Background processes of commands may still hold pipes, so the exit is explicit, after the output is written. */
function leave(stream, text, code) {
  stream.on('error', () => process.exit(1))
  stream.write(text, () => process.exit(code))
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of running) killGroup(child)
    process.exit(128 + constants.signals[signal])
  })
}

main().then(
  (content) => leave(process.stdout, `${content}\n`, 0),
  (error) => {
    const reason = error instanceof BootstrapError ? error.message : (error?.stack ?? String(error))
    leave(process.stderr, `[BOOTSTRAP ERROR] ${reason}\n`, 1)
  },
)
