import { execFile } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock } from '../../ports/clock.ts'
import { type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import type { ControlGroups } from './cgroups.ts'
import { launch } from './instance.ts'
import { FIRST_HANDED, limitCommand } from './limits.ts'
import { proxyVariables } from './proxy-variables.ts'

const INSIDE = '/opt/lictor'
const WORKSPACE = '/workspace'
const SOCKET = '/run/lictor/gateway.sock'
const PROXY_SOCKET = '/run/lictor/proxy.sock'
const UID = '1000'
const TEMPORARY_BYTES = 256 * 1024 * 1024
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024

export interface BubblewrapOptions {
  /** Path of the `bwrap` program. */
  readonly program: string
  /** Folder for the few files copied inside, such as /etc/passwd. */
  readonly runDir: string
  /** Path of the Node program to show inside. */
  readonly node: string
}

/**
 * Linux namespaces by bubblewrap: the agent sees the system's programs read-only, its workspace, and a temporary folder;
 * has no capability, no other process, no network beyond the sockets of the gateway and the proxy; and ends with this server whatever happens.
 */
export function bubblewrapSandbox(options: BubblewrapOptions & { groups: ControlGroups; clock: Clock }): Sandbox {
  const { groups, clock } = options
  const base = baseArguments()
  const accounts = writeAccounts(options.runDir)
  return {
    name: 'bubblewrap',
    isolation: { files: true, network: true, processes: true },
    hasImages: false,
    workspaceOf: () => WORKSPACE,
    gatewayOf: () => `http+unix://${encodeURIComponent(SOCKET)}`,
    start(spec) {
      const { socket } = spec.gateway
      if (socket === null)
        throw new SandboxError(
          'The dispatch gateway has no socket, and this agent has no network to reach it otherwise.',
        )
      const script = `${INSIDE}/bootstrap${spec.script.endsWith('.py') ? '.py' : '.mjs'}`
      const python = pythonPath()
      if (spec.interpreter === 'python' && python === null)
        throw new SandboxError('There is no python3 in /usr/bin or /usr/local/bin of this machine. Install it there.')
      // Copied in by open descriptors: a bound file would show its path on this machine in /proc/self/mountinfo.
      const files = [...accounts, ...(spec.ownScript === undefined ? [[spec.script, script] as const] : [])]
      const args = [
        ...base,
        '--unshare-net',
        ...['--ro-bind', options.node, `${INSIDE}/bin/node`],
        ...files.flatMap(([, inside], index) => ['--perms', '0444', '--file', String(FIRST_HANDED + index), inside]),
        ...['--ro-bind', socket, SOCKET],
        ...(spec.proxy === null ? [] : ['--ro-bind', spec.proxy, PROXY_SOCKET]),
        // What is left writable are the workspace, the temporary folder and /dev/shm, each of a bounded size.
        ...['--bind', spec.workspace, WORKSPACE],
        ...(spec.readOnly ?? []).flatMap((path) => ['--ro-bind', join(spec.workspace, path), `${WORKSPACE}/${path}`]),
        ...['--remount-ro', '/', '--chdir', WORKSPACE, '--'],
        ...limitCommand(spec.limits, true),
        spec.interpreter === 'python' ? (python ?? '') : `${INSIDE}/bin/node`,
        spec.ownScript ?? script,
        ...spec.args,
      ]
      return launch(spec, {
        groups,
        clock,
        command: options.program,
        args,
        files: files.map(([path]) => path),
        cwd: '/',
        env: {
          ...spec.env,
          ...(spec.proxy === null ? {} : proxyVariables(PROXY_SOCKET)),
          PATH: `/usr/local/bin:/usr/bin:/bin:${INSIDE}/bin`,
          HOME: '/tmp',
          TMPDIR: '/tmp',
          LANG: 'C.UTF-8',
        },
        // Ending bubblewrap ends the namespace, and with it every process in it.
        terminate: (child) => child.kill('SIGTERM'),
        destroy: async (child) => void child.kill('SIGKILL'),
      })
    },
    reap: () => groups.reap(),
  }
}

/** Where `bwrap` is and whether it works on this machine: null, or the reason why not. */
export async function bubblewrapProblem(options: BubblewrapOptions): Promise<string | null> {
  if (process.platform !== 'linux') return 'it exists on Linux only'
  if (!existsSync(options.program)) return `'${options.program}' is not installed`
  try {
    const args = [...baseArguments(), '--unshare-net', '--', '/usr/bin/true']
    await promisify(execFile)(options.program, args, { env: {}, timeout: 10_000 })
    return null
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    return stderr.trim().split('\n')[0] || message
  }
}

export function findBubblewrap(): string {
  return ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'].find((path) => existsSync(path)) ?? '/usr/bin/bwrap'
}

function pythonPath(): string | null {
  return ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path)) ?? null
}

/** The files by which programs inside name their user, and where they are shown. */
function writeAccounts(runDir: string): (readonly [string, string])[] {
  mkdirSync(runDir, { recursive: true, mode: 0o700 })
  const passwd = join(runDir, 'passwd')
  const group = join(runDir, 'group')
  writeFileSync(passwd, `agent:x:${UID}:${UID}:agent:/tmp:/bin/sh\n`)
  writeFileSync(group, `agent:x:${UID}:\n`)
  return [
    [passwd, '/etc/passwd'],
    [group, '/etc/group'],
  ]
}

function baseArguments(): string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--uid', UID, '--gid', UID, '--hostname', 'agent', '--disable-userns'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--ro-bind', '/usr', '/usr'],
    ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap(systemFolder),
    ...[
      '/etc/ld.so.cache',
      '/etc/ld.so.conf',
      '/etc/ld.so.conf.d',
      '/etc/alternatives',
      '/etc/ssl',
      '/etc/ca-certificates',
      '/etc/localtime',
    ].flatMap((path) => ['--ro-bind-try', path, path]),
    // Devices stay usable on a read-only /dev; it is a file system in memory, so that a file made there would be memory taken.
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--perms', '1777', '--size', String(SHARED_MEMORY_BYTES), '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    ...['--size', String(TEMPORARY_BYTES), '--tmpfs', '/tmp'],
    ...['--dir', '/run/lictor', '--dir', `${INSIDE}/bin`],
  ]
}

/** On merged-/usr systems these are links into /usr; elsewhere folders of their own. */
function systemFolder(path: string): string[] {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}
