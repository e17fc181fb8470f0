import { execFile } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type InstanceSpec, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { launch } from './instance.ts'
import { limitCommand } from './limits.ts'

const INSIDE = '/opt/lictor'
const WORKSPACE = '/workspace'
const SOCKET = '/run/lictor/gateway.sock'
const UID = '1000'
const TEMPORARY_BYTES = 256 * 1024 * 1024

export interface BubblewrapOptions {
  /** Path of the `bwrap` program. */
  readonly program: string
  /** Folder for the few files shown inside, such as /etc/passwd. */
  readonly runDir: string
  /** Path of the Node program to show inside. */
  readonly node: string
}

/**
 * Linux namespaces by bubblewrap: the agent sees the system's programs read-only, its workspace, and a temporary folder;
 * has no capability, no other process, no network beyond the gateway's socket; and ends with this server whatever happens.
 */
export function bubblewrapSandbox(options: BubblewrapOptions): Sandbox {
  const base = baseArguments(options.runDir)
  const shareNetwork = (spec: InstanceSpec) => spec.network === 'open'
  return {
    name: 'bubblewrap',
    isolation: { files: true, network: true, processes: true },
    workspaceOf: () => WORKSPACE,
    gatewayOf: (gateway, network) =>
      network === 'gateway' && gateway.socket ? `http+unix://${encodeURIComponent(SOCKET)}` : gateway.address,
    start(spec) {
      const { socket } = spec.gateway
      if (!shareNetwork(spec) && socket === null)
        throw new SandboxError(
          'The dispatch gateway has no socket, and this agent has no network to reach it otherwise.',
        )
      const script = `${INSIDE}/bootstrap${spec.script.endsWith('.py') ? '.py' : '.mjs'}`
      const python = pythonPath()
      if (spec.interpreter === 'python' && python === null)
        throw new SandboxError('There is no python3 in /usr/bin or /usr/local/bin of this machine. Install it there.')
      const args = [
        ...base,
        ...(shareNetwork(spec) ? resolverFiles() : ['--unshare-net']),
        ...['--ro-bind', options.node, `${INSIDE}/bin/node`],
        ...['--ro-bind', spec.script, script],
        ...(socket === null ? [] : ['--ro-bind', socket, SOCKET]),
        // What is left writable are the workspace and the temporary folder.
        ...['--bind', spec.workspace, WORKSPACE, '--remount-ro', '/', '--chdir', WORKSPACE, '--'],
        ...limitCommand(spec.limits, true),
        spec.interpreter === 'python' ? (python ?? '') : `${INSIDE}/bin/node`,
        script,
        ...spec.args,
      ]
      return launch(spec, {
        command: options.program,
        args,
        cwd: '/',
        env: {
          ...spec.env,
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
    reap: async () => 0,
  }
}

/** Where `bwrap` is and whether it works on this machine: null, or the reason why not. */
export async function bubblewrapProblem(options: BubblewrapOptions): Promise<string | null> {
  if (process.platform !== 'linux') return 'it exists on Linux only'
  if (!existsSync(options.program)) return `'${options.program}' is not installed`
  try {
    const args = [...baseArguments(options.runDir), '--unshare-net', '--', '/usr/bin/true']
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

function baseArguments(runDir: string): string[] {
  mkdirSync(runDir, { recursive: true, mode: 0o700 })
  const passwd = join(runDir, 'passwd')
  const group = join(runDir, 'group')
  writeFileSync(passwd, `agent:x:${UID}:${UID}:agent:/tmp:/bin/sh\n`)
  writeFileSync(group, `agent:x:${UID}:\n`)
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
    ...['--ro-bind', passwd, '/etc/passwd', '--ro-bind', group, '/etc/group'],
    ...['--proc', '/proc', '--dev', '/dev', '--size', String(TEMPORARY_BYTES), '--tmpfs', '/tmp'],
    ...['--dir', '/run/lictor', '--dir', `${INSIDE}/bin`],
  ]
}

/** On merged-/usr systems these are links into /usr; elsewhere folders of their own. */
function systemFolder(path: string): string[] {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

const resolverFiles = (): string[] =>
  ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf'].flatMap((path) => ['--ro-bind-try', path, path])
