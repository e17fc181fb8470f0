import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { describeSettings, readConfig } from './config.ts'
import { isReadable } from './main.ts'

const folders = mkdtempSync(join(tmpdir(), 'lictor-config-'))
const folder = () => mkdtempSync(join(folders, 'one-'))
afterAll(() => rmSync(folders, { recursive: true, force: true }))

describe('settings', () => {
  it('have defaults; the data folder and a master key only its owner reads are made', () => {
    const dataDir = join(folder(), 'a/b')
    const config = readConfig({ LICTOR_DATA_DIR: dataDir })
    expect([config.host, config.port, config.databaseUrl]).toEqual(['127.0.0.1', 8000, ''])
    const file = join(dataDir, 'master.key')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(Buffer.from(config.masterKey).toString('hex')).toBe(readFileSync(file, 'utf8').trim())
    expect(readConfig({ LICTOR_DATA_DIR: dataDir }).masterKey).toEqual(config.masterKey)
  })

  it('are read from files by NAME_FILE; the variable itself wins', () => {
    const dataDir = folder()
    const file = join(dataDir, 'key')
    writeFileSync(file, `${'ab'.repeat(32)}\n`)
    expect(readConfig({ LICTOR_DATA_DIR: dataDir, LICTOR_MASTER_KEY_FILE: file }).masterKey[0]).toBe(0xab)
    const both = { LICTOR_DATA_DIR: dataDir, LICTOR_MASTER_KEY_FILE: file, LICTOR_MASTER_KEY: 'cd'.repeat(32) }
    expect(readConfig(both).masterKey[0]).toBe(0xcd)
  })

  it.each([
    [{ LICTOR_PORT: 'eighty' }, "LICTOR_PORT is 'eighty'; it takes a whole number from 0 to 65535."],
    [{ LICTOR_PORT: '65536' }, "LICTOR_PORT is '65536'; it takes a whole number from 0 to 65535."],
    [{ LICTOR_LOG_LEVEL: 'loud' }, "LICTOR_LOG_LEVEL is 'loud'; it takes one of trace,"],
    [{ LICTOR_MASTER_KEY: 'short' }, 'LICTOR_MASTER_KEY must hold 64 hex characters'],
    [
      { LICTOR_MASTER_KEY_FILE: '/no/such/file' },
      "LICTOR_MASTER_KEY_FILE names '/no/such/file', which cannot be read.",
    ],
    [{ LICTOR_BASE_URL: 'lictor.example.com' }, "LICTOR_BASE_URL is 'lictor.example.com'; it takes the public address"],
    [{ LICTOR_BASE_URL: 'ftp://example.com' }, "LICTOR_BASE_URL is 'ftp://example.com'; it takes the public address"],
    [{ LICTOR_TRUSTED_PROXIES: '10.0.0.1,proxy' }, "LICTOR_TRUSTED_PROXIES names 'proxy', which is no address"],
    [{ LICTOR_TRUSTED_PROXIES: '10.0.0.0/33' }, "LICTOR_TRUSTED_PROXIES names '10.0.0.0/33', which is no address"],
    [{ LICTOR_SESSION_TTL_HOURS: '0' }, "LICTOR_SESSION_TTL_HOURS is '0'; it takes a whole number from 1 to 168."],
    [{ LICTOR_LOGIN_ATTEMPTS: '0' }, "LICTOR_LOGIN_ATTEMPTS is '0'; it takes a whole number from 1"],
    [{ LICTOR_MASTER_KEY: 'zz'.repeat(32) }, 'LICTOR_MASTER_KEY must hold 64 hex characters (32 bytes).'],
    [{ LICTOR_MASTER_KEY: 'ab'.repeat(31) }, 'LICTOR_MASTER_KEY must hold 64 hex characters (32 bytes).'],
    [{ LICTOR_DATA_DIR: '/proc/lictor' }, "LICTOR_DATA_DIR names '/proc/lictor', which cannot be written"],
  ])('that cannot be used are named: %j', (environment, message) => {
    expect(() => readConfig({ LICTOR_DATA_DIR: folder(), ...environment })).toThrow(message)
  })

  it('never show a secret in an error', () => {
    const wrong = { LICTOR_DATA_DIR: folder(), LICTOR_MASTER_KEY: 'not-hex-but-secret' }
    expect(() => readConfig(wrong)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('not-hex') }),
    )
  })

  it('take no address of another kind of database', () => {
    expect(() => readConfig({ DATABASE_URL: 'mysql://root:hidden@localhost/x' })).toThrow(
      'DATABASE_URL is not valid; it takes postgres://user:password@host:5432/name, or nothing for SQLite.',
    )
  })

  it('that nobody set are those of the documentation', () => {
    expect(readConfig({ LICTOR_DATA_DIR: folder(), LICTOR_UNKNOWN: 'ignored' })).toMatchObject({
      redisUrl: '',
      adminEmail: '',
      adminPassword: '',
      baseUrl: '',
      envName: 'development',
      sessionTtlHours: 24,
      loginAttempts: 10,
      loginWindowSeconds: 300,
      logLevel: 'info',
      logFormat: 'auto',
      corsOrigins: [],
      trustedProxies: [],
    })
  })

  it('proxies are addresses and networks of either family, or all', () => {
    const list = '10.0.0.1,10.1.0.0/16,::1,fd00::/8'
    const read = (text: string) =>
      readConfig({ LICTOR_DATA_DIR: folder(), LICTOR_TRUSTED_PROXIES: text }).trustedProxies
    expect(read(list)).toEqual(list.split(','))
    expect(read('*')).toEqual(['*'])
  })

  it('that are lists are split at commas, trimmed, without empty items', () => {
    const config = readConfig({
      LICTOR_DATA_DIR: folder(),
      LICTOR_CORS_ORIGINS: ' https://a.example , ,https://b.example,',
    })
    expect(config.corsOrigins).toEqual(['https://a.example', 'https://b.example'])
  })

  it('are all described', () => {
    for (const name of ['LICTOR_HOST', 'DATABASE_URL', 'LICTOR_ADMIN_EMAIL']) expect(describeSettings()).toContain(name)
  })
})

it.each([
  ['auto', 'development', true, true],
  ['auto', 'development', false, false],
  ['auto', 'production', true, false],
  ['auto', 'production', false, false],
  ['pretty', 'production', false, true],
  ['json', 'development', true, false],
])('log lines: format %s in %s, on a terminal %s, are for people: %s', (logFormat, envName, isTerminal, expected) => {
  expect(isReadable({ logFormat, envName }, isTerminal)).toBe(expected)
})
