import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createCallers } from './callers.ts'
import { readServeConfig } from './serve-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'lictor-serve-config-'))
const file = join(folder, 'serve.yaml')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string) {
  writeFileSync(file, text)
  return readServeConfig(file)
}

/** What is wrong, without the path of the file. */
function faultsOf(text: string): string {
  try {
    read(text)
  } catch (error) {
    return (error as Error).message.replaceAll(file, 'FILE')
  }
  return 'nothing'
}

describe('the configuration of lictor mcp serve', () => {
  it('needs nothing but upstreams, and then listens to this machine alone', () => {
    expect(read('upstreams:\n  notes: { command: [npx, notes] }\n  far: { url: "https://far.example/mcp" }\n')).toEqual(
      {
        host: '127.0.0.1',
        port: 3333,
        path: '/mcp',
        allowedHosts: [],
        allowedOrigins: [],
        tokens: [],
        oauth: null,
        limits: {
          bodyBytes: 9_000_000,
          sessions: 100,
          sessionsPerCaller: 20,
          idleSeconds: 1800,
          requestsPerSession: 256,
        },
        upstreams: [
          {
            name: 'notes',
            kind: 'process',
            command: ['npx', 'notes'],
            workingDirectory: folder,
            environment: {},
            roots: 'hide',
            connectSeconds: 120,
          },
          {
            name: 'far',
            kind: 'http',
            url: 'https://far.example/mcp',
            headers: {},
            roots: 'hide',
            connectSeconds: 120,
          },
        ],
      },
    )
  })

  it.each([
    ['', 'FILE:1: The file is no object\nFILE:1: upstreams is missing'],
    ['upstreams: {', 'FILE:1: Flow map in block collection must be sufficiently indented and end with a }'],
    ['upstreams: {}', 'FILE:1: upstreams names no server'],
    ['upstreams:\n  notes: {}', "FILE:2: upstreams.notes says either 'command' or 'url'"],
    [
      'upstreams:\n  My_Notes: { command: [x] }',
      'FILE:2: upstreams.My_Notes begins with a small letter, and has small letters, digits and -, at most 32',
    ],
    ['upstreams:\n  n:\n    command: npx notes', 'FILE:3: upstreams.n.command is no list'],
    ['upstreams:\n  n:\n    command: []', 'FILE:3: upstreams.n.command is a list: the program, then what it is given'],
    ['upstreams:\n  n:\n    command: [x, 1]', 'FILE:3: upstreams.n.command.1 is no text'],
    ['upstreams:\n  n:\n    url: ftp://x', 'FILE:3: upstreams.n.url is no address of http or https'],
    ['upstreams:\n  n:\n    url: http://a:b@x', 'FILE:3: upstreams.n.url has a password in it: send a header instead'],
    [
      'upstreams:\n  n:\n    url: http://x\n    env: { A: b }',
      "FILE:4: upstreams.n.env belongs to a server with 'command'",
    ],
    [
      'upstreams:\n  n:\n    url: http://x\n    headers:\n      k: { value: s }',
      "FILE:5: upstreams.n.headers.k.value is not known here: env, file\nFILE:5: upstreams.n.headers.k says either 'env' or 'file'",
    ],
    [
      'listen:\n  host: 0.0.0.0\nupstreams: { n: { command: [x] } }',
      "FILE:2: listen.host is 0.0.0.0, and nothing says who may call: without 'callers' it is one of 127.0.0.1, ::1, localhost",
    ],
    [
      'listen: { port: 70000 }\nupstreams: { n: { command: [x] } }',
      'FILE:1: listen.port is a whole number from 0 to 65535',
    ],
    [
      'callers:\n  tokens:\n    - { name: a, token: secret }\nupstreams: { n: { command: [x] } }',
      "FILE:3: callers.tokens.0.token is not known here: name, role, env, file\nFILE:3: callers.tokens.0 says either 'env' or 'file'",
    ],
    [
      'callers:\n  oauth: { issuer: x }\nupstreams: { n: { command: [x] } }',
      'FILE:2: callers.oauth.resource is missing\nFILE:2: callers.oauth.jwks_url is missing\nFILE:2: callers.oauth.audience is no text',
    ],
    [
      'unknown: 1\nupstreams: { n: { command: [x] } }',
      'FILE:1: unknown is not known here: listen, callers, limits, upstreams',
    ],
  ])('%j is refused, with the line', (text, told) => {
    expect(faultsOf(text)).toBe(told)
  })

  it('a token that is not there, or can be guessed, keeps it from starting, and is not told', () => {
    const tokens = (env: string) =>
      read(`callers: { tokens: [{ name: a, env: ${env} }] }\nupstreams: { n: { command: [x] } }`)
    expect(() => createCallers(tokens('MISSING'), {})).toThrow(
      "The token 'a' is to be in the variable MISSING, which is not set.",
    )
    expect(() => createCallers(tokens('SHORT'), { SHORT: 'hunter2' })).toThrow(
      "The token 'a' has 7 characters: at least 16 are needed.",
    )
  })
})
