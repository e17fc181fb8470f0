/**
 * Makes an image of this working copy. `node deploy/image.ts --arch arm64 --base debian:bookworm-slim --tag lictor:0.1.0`
 * leaves the context in a folder with `--context FOLDER`, and then builds nothing.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
/** As npm calls what images call amd64 and arm64. */
const cpus: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' }

export interface ImageContext {
  /** The working copy. Packing builds it. */
  readonly root: string
  /** Made, if it is not there. */
  readonly folder: string
  readonly arch: string
}

/** Everything an image needs, in a folder: the packed packages with what they depend on, Node, and the Dockerfile. */
export function makeContext({ root, folder, arch }: ImageContext): void {
  const cpu = cpus[arch]
  if (cpu === undefined)
    throw new Error(`There is no architecture '${arch}'; there are ${Object.keys(cpus).join(', ')}.`)
  const scratch = mkdtempSync(join(tmpdir(), 'lictor-image-'))
  const npm = (cwd: string, ...parameters: string[]) =>
    execFileSync('npm', [...parameters, '--no-audit', '--no-fund', '--no-update-notifier'], {
      cwd,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 ** 2,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  try {
    const app = join(folder, 'app')
    for (const made of [app, join(folder, 'data'), join(app, 'bin')]) mkdirSync(made, { recursive: true })
    const tarballs = publishedIn(root).map((name) => {
      const [packed] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', scratch, '-w', name)) as [
        { filename: string },
      ]
      return join(scratch, packed.filename)
    })
    const target = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc', '--omit=dev', '--ignore-scripts', '--prefer-offline']
    npm(app, 'install', ...target, ...tarballs)
    // Packed, not installed: npm installs no program of another architecture.
    const [node] = JSON.parse(npm(scratch, 'pack', '--json', `node-linux-${cpu}@${nodeVersionOf(root)}`)) as [
      { filename: string },
    ]
    execFileSync('tar', ['-xzf', join(scratch, node.filename), '-C', app, '--strip-components=1', 'package/bin/node'])
    chmodSync(join(app, 'bin', 'node'), 0o755)
    copyFileSync(join(here, 'health.mjs'), join(app, 'health.mjs'))
    copyFileSync(join(here, 'Dockerfile'), join(folder, 'Dockerfile'))
    writeFileSync(join(folder, 'data', '.keep'), '')
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function publishedIn(root: string): string[] {
  return readdirSync(join(root, 'packages'))
    .map(
      (name) =>
        JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Record<string, unknown>,
    )
    .filter((manifest) => manifest.private !== true)
    .map((manifest) => String(manifest.name))
}

/** The Node that the workspace is developed with. */
function nodeVersionOf(root: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8')) as { version: string }
  return manifest.version
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch === 'arm64' ? 'arm64' : 'amd64' },
      base: { type: 'string', default: 'debian:bookworm-slim' },
      tag: { type: 'string', default: 'lictor:latest' },
      context: { type: 'string' },
    },
  })
  const { arch, base, tag } = values
  const folder = values.context === undefined ? mkdtempSync(join(tmpdir(), 'lictor-context-')) : resolve(values.context)
  makeContext({ root: resolve(here, '..'), folder, arch })
  if (values.context === undefined)
    try {
      execFileSync(
        'docker',
        ['build', '--platform', `linux/${arch}`, '--build-arg', `BASE=${base}`, '-t', tag, folder],
        {
          stdio: 'inherit',
        },
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
}
