/**
 * Real MCP servers, each with real clients, with and without `lictor mcp wrap` between them: what contracts do not change must be
 * the same, and of 200 calls each denied one must stay away from the server. Needs `npm run build`, npm and Python 3.10 with pip.
 *
 *   node --conditions=@lictor/source proofs/mcp/run.ts [SERVER …]
 *
 * The servers and clients are installed beside this file, as its lockfile and its lists say.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import {
  ask,
  bundleFor,
  CALLS,
  clients,
  here,
  install,
  isListed,
  lictor,
  type Server,
  servers,
  shared,
  shortly,
} from './subjects.ts'

/** What is wrong with a pair; empty where it holds. */
async function prove(server: Server, client: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-proof-'))
  try {
    for (const run of ['direct', 'through']) mkdirSync(join(folder, run))
    writeFileSync(join(folder, 'bundle.yaml'), bundleFor(server))
    const isDenied = (index: number) => index % 3 === 0
    const often = Array.from({ length: CALLS }, (_, index) => server.often(isDenied(index) ? 'forbidden' : 'UTC'))
    const calls = [...server.calls, ...often]
    const reached = join(folder, 'reached')
    writeFileSync(reached, '')
    const direct = await ask(client, { command: server.command(join(folder, 'direct')) }, [
      ...server.calls,
      server.often('UTC'),
    ])
    const through = await ask(
      client,
      {
        command: [
          process.execPath,
          lictor,
          ...['mcp', 'wrap', '--name', 'proof', '--pins', folder, '--contracts', join(folder, 'bundle.yaml'), '--'],
          ...[process.execPath, join(here, 'servers/tap.mjs'), reached],
          ...server.command(join(folder, 'through')),
        ],
      },
      calls,
    )
    if (direct === null && through === null) return []
    if (direct === null || through === null)
      return [`connects ${direct === null ? 'only through the gateway' : 'only without the gateway'}`]
    const wrong: string[] = []
    const { answers: before, ...saidBefore } = direct
    const { answers: after, ...saidAfter } = through
    for (const part of Object.keys(saidBefore))
      if (!isDeepStrictEqual(saidBefore[part], saidAfter[part])) wrong.push(`${part} differs`)
    for (const [index, [name]] of server.calls.entries()) {
      const [was, is] = [before[index], after[index]]
      // A name that this client was not shown is refused by the gateway itself, whatever the server would make of it.
      const isSame = isListed(direct, name) ? isDeepStrictEqual(was, is) : JSON.stringify(is).includes('Unknown tool')
      if (!isSame) wrong.push(`${name} answers ${shortly(is)} instead of ${shortly(was)}`)
    }
    const usual = before[server.calls.length]
    for (const [index, answer] of after.slice(server.calls.length).entries()) {
      const isRefused = JSON.stringify(answer).includes('Refused (not-that)')
      if (isDenied(index) !== isRefused) wrong.push(`call ${index} was ${isRefused ? 'refused' : 'not refused'}`)
      else if (!isRefused && !isDeepStrictEqual(answer, usual)) wrong.push(`call ${index} answers otherwise`)
    }
    const lines = readFileSync(reached, 'utf8')
    if (lines.includes('forbidden')) wrong.push('a denied call reached the server')
    const made = lines.split('\n').filter((line) => line.includes(`"name":"${server.often('')[0]}"`)).length
    const expected = calls.filter(
      ([name], index) =>
        name === server.often('')[0] && (index < server.calls.length || !isDenied(index - server.calls.length)),
    ).length
    if (made !== expected) wrong.push(`the server was called ${made} times, not ${expected}`)
    return wrong.slice(0, 5)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

install()
const asked = process.argv.slice(2)
const chosen = servers.filter(({ name }) => asked.length === 0 || asked.some((one) => name.includes(one)))
let held = 0
let pairs = 0
try {
  for (const server of chosen) {
    for (const [name, client] of Object.entries(clients)) {
      const wrong = await prove(server, client)
      pairs++
      if (wrong.length === 0) held++
      else process.exitCode = 1
      console.log(`${server.name} with ${name}: ${wrong.length === 0 ? 'the same' : wrong.join('; ')}`)
    }
  }
} finally {
  rmSync(shared, { recursive: true, force: true })
}
console.log(`mcp: ${held} of ${pairs} pairs of server and client the same through the gateway, ${CALLS} calls each`)
