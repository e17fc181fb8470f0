import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshClone } from './support/fresh-clone.ts'
import { root } from './support/server.ts'

/** Packing builds the console, installing fetches what is public: neither is a matter of this suite's patience. */
const LIMIT = 900_000

interface PackageJson {
  readonly name: string
  readonly private?: boolean
  readonly license: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

interface Packed {
  readonly folder: string
  readonly manifest: PackageJson
  readonly tarball: string
  readonly files: readonly string[]
}

const scratch = mkdtempSync(join(tmpdir(), 'lictor-packed-'))
const npm = (cwd: string, ...parameters: string[]) =>
  execFileSync('npm', [...parameters, '--no-audit', '--no-fund', '--no-update-notifier'], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const folders = readdirSync(join(root, 'packages'))
const published = folders
  .map((name) => join(root, 'packages', name))
  .map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson,
  }))
  .filter(({ manifest }) => !manifest.private)

let packed: readonly Packed[] = []
let installed = ''

beforeAll(async () => {
  // What is packed has to be made first, and what other tests run from must stay.
  const clone = join(scratch, 'clone')
  freshClone(clone)
  packed = published.map(({ folder, manifest }) => {
    const [{ filename, files }] = JSON.parse(
      npm(clone, 'pack', '--json', '--pack-destination', scratch, '-w', manifest.name),
    ) as [{ filename: string; files: { path: string }[] }]
    return { folder, manifest, tarball: join(scratch, filename), files: files.map(({ path }) => path) }
  })
  installed = join(scratch, 'empty')
  mkdirSync(installed)
  npm(installed, 'install', '--prefer-offline', '--ignore-scripts', ...packed.map(({ tarball }) => tarball))
}, LIMIT)

const contentsOf = (name: string) => packed.find(({ manifest }) => manifest.name === name)?.files ?? []

describe('a packed package', () => {
  it('has its licence, its words and every entry it names', () => {
    expect(packed.map(({ manifest }) => manifest.name).sort()).toEqual(published.map((p) => p.manifest.name).sort())
    for (const { manifest, files } of packed) {
      expect(files, manifest.name).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
      const targets = Object.values(manifest.exports)
        .flatMap((target) => (typeof target === 'string' ? [target] : [target.types, target.default]))
        .filter((target) => target !== undefined)
        .map((target) => target.replace(/^\.\//, ''))
      expect(targets.length, manifest.name).toBeGreaterThan(0)
      expect(files, manifest.name).toEqual(expect.arrayContaining(targets))
    }
  })

  it('carries no source maps, no tests and no sources', () => {
    for (const { manifest, files } of packed) {
      expect(
        files.filter((file) => /\.map$|\.test\.|(^|\/)src\/.*(?<!\.d)\.ts$|\.tsbuildinfo$/.test(file)),
        manifest.name,
      ).toEqual([])
    }
  })

  it('of the guard and what it needs has no conformance runner', () => {
    for (const name of ['@lictor/guard', '@lictor/contracts']) {
      const files = contentsOf(name)
      expect(files.length).toBeGreaterThan(0)
      expect(files.filter((file) => file.includes('conformance'))).toEqual([])
      const folder = join(installed, 'node_modules', name)
      for (const file of files.filter((one) => one.endsWith('.js')))
        expect(readFileSync(join(folder, file), 'utf8'), file).not.toContain('runConformance')
    }
  })

  it('is what publint and arethetypeswrong ask for', { timeout: LIMIT }, async () => {
    for (const { manifest, tarball } of packed) {
      const data = readFileSync(tarball)
      const { messages } = await publint({
        pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) },
        strict: true,
      })
      expect(
        messages.map((message) => formatMessage(message, manifest as never)),
        manifest.name,
      ).toEqual([])
      // Only the workspace itself can import an entry that has nothing but sources.
      const internal = Object.entries(manifest.exports)
        .filter(([, target]) => typeof target === 'object' && target.default === undefined)
        .map(([entry]) => entry)
      execFileSync(
        process.execPath,
        [
          join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
          tarball,
          '--profile',
          'esm-only',
          ...(internal.length > 0 ? ['--exclude-entrypoints', ...internal] : []),
        ],
        { encoding: 'utf8' },
      )
    }
  })
})

describe('what is installed from the packed packages in an empty folder', () => {
  const entries = () =>
    packed.flatMap(({ manifest }) =>
      Object.entries(manifest.exports)
        .filter(([, target]) => typeof target === 'object' && target.default !== undefined)
        .map(([entry]) => `${manifest.name}${entry.slice(1)}`),
    )

  it.each([[[]], [['--conditions=source']]])('every entry is imported, with %j', (conditions: readonly string[]) => {
    const script = `for (const entry of ${JSON.stringify(entries())}) await import(entry)`
    execFileSync(process.execPath, [...conditions, '--input-type=module', '-e', script], { cwd: installed })
  })

  it('its types check under strict and exactOptionalPropertyTypes', { timeout: LIMIT }, () => {
    const imports = entries().map((entry, index) => `import * as m${index} from '${entry}'\nvoid m${index}\n`)
    writeFileSync(join(installed, 'check.mts'), imports.join(''))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2024']
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    execFileSync(process.execPath, [compiler, '--noEmit', '--skipLibCheck', ...options, ...types, 'check.mts'], {
      cwd: installed,
    })
  })

  it('`lictor gate check` denies and allows, on its first call and by the code that it kept', () => {
    const home = join(scratch, 'home')
    mkdirSync(join(home, '.lictor/contracts'), { recursive: true })
    writeFileSync(
      join(home, '.lictor/contracts/base.yaml'),
      [
        'apiVersion: edictum/v1',
        'kind: ContractBundle',
        'metadata: {name: packed}',
        'defaults: {mode: enforce}',
        'contracts:',
        '  - {id: no-touch, type: pre, tool: Bash, when: {args.command: {contains: touch}}, then: {effect: deny, message: no touch}}',
        '',
      ].join('\n'),
    )
    const ask = (command: string) =>
      spawnSync(process.execPath, [join(installed, 'node_modules/.bin/lictor'), 'gate', 'check'], {
        cwd: installed,
        env: { PATH: process.env.PATH, HOME: home },
        encoding: 'utf8',
        input: JSON.stringify({ cwd: installed, session_id: 's', tool_name: 'Bash', tool_input: { command } }),
      })
    for (const call of ['first', 'second']) {
      const denied = ask('touch x')
      expect([call, denied.status, denied.stderr]).toEqual([call, 2, "Contract 'no-touch': no touch\n"])
      const allowed = ask('ls')
      expect([call, allowed.status, allowed.stdout, allowed.stderr]).toEqual([call, 0, '', ''])
    }
    expect(readdirSync(join(home, '.lictor/gate')).some((name) => name.startsWith('code-'))).toBe(true)
  })

  it('`lictor up` serves its console and its interface', { timeout: LIMIT }, async () => {
    const command = join(installed, 'node_modules/.bin/lictor')
    expect(existsSync(command)).toBe(true)
    const child = spawn(process.execPath, [command, 'up'], {
      cwd: installed,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LICTOR_PORT: '0',
        LICTOR_LOG_FORMAT: 'json',
        LICTOR_LOG_LEVEL: 'info',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let said = ''
        child.stdout.on('data', (text: Buffer) => {
          said += text.toString()
          const address = /"address":"(http[^"]+)"/.exec(said)?.[1]
          if (address) resolve(address)
        })
        child.once('exit', (code) => reject(new Error(`lictor up ended with code ${code}:\n${said}`)))
      })
      const page = await fetch(`${url}/dashboard/`)
      const html = await page.text()
      expect([page.status, html]).toEqual([200, expect.stringContaining('<script')])
      const script = /src="([^"]+\.js)"/.exec(html)?.[1] ?? ''
      expect((await fetch(new URL(script, url))).status).toBe(200)
      expect((await fetch(`${url}/api/v1/health/live`)).status).toBe(200)
    } finally {
      child.kill('SIGTERM')
    }
    expect((await ended)[0]).toBe(0)
  })
})
