import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type Docker from 'dockerode'
import { openEngine } from '../src/adapters/sandbox/docker-engine.ts'

/** A Docker Engine of a test's own. */
export interface TestEngine {
  /** Path of its socket. */
  readonly socket: string
  readonly engine: Docker
  stop(): Promise<void>
}

/** An image with Node and the usual small programs, which `importTestImage` makes. */
export const TEST_IMAGE = 'lictor/test:1'

const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path)) ?? null
const dockerd = ['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd'].find((path) => existsSync(path))

/** Why no engine can be started here; null when one can. With `CI=true` it must be possible. */
export const dockerProblem: string | null = problem()

function problem(): string | null {
  const found =
    process.platform !== 'linux'
      ? 'containers need Linux'
      : process.getuid?.() !== 0
        ? 'an engine of its own needs root'
        : dockerd === undefined
          ? "'dockerd' is not installed (docker.io)"
          : busybox === null
            ? "'busybox' is not installed (busybox-static)"
            : null
  if (found !== null && process.env.CI === 'true') throw new Error(`Docker must be tested in CI: ${found}`)
  if (found !== null) console.warn(`Docker is not tested here: ${found}`)
  return found
}

/** Start an engine that has no network of its own and touches nothing of the machine's. */
export async function startEngine(): Promise<TestEngine> {
  const home = mkdtempSync(join(tmpdir(), 'lictor-docker-'))
  const socket = join(home, 'engine.sock')
  const log = join(home, 'log')
  const child = spawn(
    'sh',
    [
      '-c',
      `exec ${dockerd} "$@" >"${log}" 2>&1`,
      'dockerd',
      ...['--data-root', join(home, 'data'), '--exec-root', join(home, 'run'), '--pidfile', join(home, 'pid')],
      ...['-H', `unix://${socket}`, '--iptables=false', '--ip-masq=false', '--bridge=none'],
    ],
    { stdio: 'ignore', detached: true },
  )
  const ended = once(child, 'exit')
  const engine = await openEngine(socket)
  for (;;) {
    if (child.exitCode !== null) throw new Error(`dockerd ended: ${readFileSync(log, 'utf8').slice(-2000)}`)
    const isUp = await engine.ping().then(
      () => true,
      () => false,
    )
    if (isUp) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    socket,
    engine,
    async stop() {
      child.kill('SIGTERM')
      await ended
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Make an image of programs of this machine, without a registry. @param isBare has no interpreter @param files further ones, by path */
export async function importTestImage(
  engine: Docker,
  name = TEST_IMAGE,
  isBare = false,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'lictor-image-'))
  try {
    fillRoot(root, isBare)
    for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text, { mode: 0o755 })
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [repo = '', tag = ''] = name.split(/:(?=[^:/]*$)/)
    const answer = await engine.importImage(tar.stdout, { repo, tag })
    answer.resume()
    await once(answer, 'end')
    await engine.getImage(name).inspect()
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

export function fillRoot(root: string, isBare: boolean): void {
  for (const folder of ['bin', 'usr/local/bin', 'etc', 'tmp', 'opt', 'run', 'workspace', 'proc', 'sys', 'dev'])
    mkdirSync(join(root, folder), { recursive: true })
  // As in every image: runc 1.1 gives what is mounted there the mode that the folder of the image has.
  chmodSync(join(root, 'tmp'), 0o1777)
  copyFileSync(busybox ?? '', join(root, 'bin/busybox'))
  const applets = execFileSync(busybox ?? '', ['--list'], { encoding: 'utf8' })
    .trim()
    .split('\n')
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  if (isBare) return
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'))
  for (const [, library = ''] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(
    /(\/\S+) \(0x/g,
  )) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
}
