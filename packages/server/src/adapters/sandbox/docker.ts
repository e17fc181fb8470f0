import { join } from 'node:path'
import { type Duplex, Writable } from 'node:stream'
import type Docker from 'dockerode'
import type { Clock } from '../../ports/clock.ts'
import { type Instance, type InstanceExit, type InstanceSpec, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { messageOfEngine, statusOf } from './docker-engine.ts'
import type { Images } from './docker-images.ts'
import { DISK_CODE, Tail, whenKnown, within } from './instance.ts'
import { processesOf, workspaceLimitOf } from './limits.ts'
import { isGone } from './process-mark.ts'
import { proxyVariables } from './proxy-variables.ts'
import { diskUsageOf, watchQuota } from './quota.ts'

const INSIDE = '/opt/lictor'
const WORKSPACE = '/workspace'
const SOCKET = '/run/lictor/gateway.sock'
const PROXY_SOCKET = '/run/lictor/proxy.sock'
/** Where a program of the agent's own finds the gateway, on the loopback of its container. */
const GATEWAY_PORT = 8088
const TEMPORARY_BYTES = 256 * 1024 * 1024
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024
const OPEN_FILES = 4096
/** What is still on its way when the container has ended. */
const STREAM_GRACE_MS = 2_000
/** Waits between tries to remove a container that the engine does not let go; what is left then goes when a server starts. */
const REMOVE_AGAIN_MS = [1_000, 5_000, 20_000, 60_000]

const OWNER = 'lictor.owner'
const SERVER = 'lictor.server'

/**
 * Starts the bootstrap by the first interpreter that the image has. It takes pairs of an interpreter's programs, separated by
 * `|`, and the script for it, `--`, and the arguments of the script.
 */
const LAUNCH = `
known=
while [ "$1" != -- ]; do
  programs=$1; script=$2; shift 2
  if [ -z "$known" ]; then
    for program in $(echo "$programs" | tr '|' ' '); do
      if command -v "$program" >/dev/null 2>&1; then known=$program; chosen=$script; break; fi
    done
  fi
done
shift
if [ -z "$known" ]; then
  echo 'This image has neither of the interpreters that a bootstrap needs: python3 (3.8 or later), node (18 or later).' >&2
  exit 127
fi
unset SHLVL
if [ -z "$LICTOR_PROGRAM" ]; then exec "$known" "$chosen" "$@"; fi
program=$LICTOR_PROGRAM
unset LICTOR_PROGRAM
if [ ! -f "$program" ]; then
  echo "spec.advanced.bootstrap_path: there is no file $program in this container." >&2
  exit 127
fi
LICTOR_FORWARD_READY=/tmp/.lictor-forwards "$known" "$chosen" &
while [ ! -e /tmp/.lictor-forwards ]; do
  kill -0 $! 2>/dev/null || exit 126
  sleep 0.02 2>/dev/null || sleep 1
done
rm /tmp/.lictor-forwards
case $program in
  *.py) exec python3 "$program" "$@" ;;
  *.js | *.mjs | *.cjs) exec node "$program" "$@" ;;
  *) exec "$program" "$@" ;;
esac`

const programsOf = { node: 'node|nodejs', python: 'python3|python' } as const

export interface DockerOptions {
  readonly engine: Docker
  readonly images: Images
  /** Names this server among those that use the engine; letters, digits, `-` and `_`. */
  readonly owner: string
  /** This process, as `process-mark.ts` writes it; empty where it cannot be told. */
  readonly mark: string
  /** The engine's runtime for containers, such as `runsc`; empty takes its default. */
  readonly runtime: string
  readonly clock: Clock
  /** A container could not be removed; the engine's reason. */
  readonly onStuck: (container: string, reason: string) => void
}

/**
 * Containers of a Docker Engine on this machine. An agent has its image, read-only, its workspace, a temporary folder and the
 * sockets of the gateway and the proxy; no network, no capability, no way to more of either.
 *
 * It runs as the user of this server, so that both can change and remove what the other wrote.
 */
export function dockerSandbox(options: DockerOptions): Sandbox {
  const { engine, images, owner, mark, clock } = options

  async function start(spec: InstanceSpec): Promise<Instance> {
    const { image, signal } = spec
    if (!image) throw new SandboxError('This agent names no image to run in.')
    if (spec.gateway.socket === null)
      throw new SandboxError(
        'The dispatch gateway has no socket, and a container has no network to reach it otherwise.',
      )
    await orAborted(signal, images.provide(image, spec.onPull))
    const container = await create(spec, image.name, spec.gateway.socket)
    try {
      signal?.throwIfAborted()
      return await run(container, spec)
    } catch (error) {
      await remove(container)
      if (signal?.aborted) throw signal.reason
      throw error instanceof SandboxError ? error : new SandboxError(startFailure(error, image.name, spec.program))
    }
  }

  async function create(spec: InstanceSpec, image: string, socket: string): Promise<Docker.Container> {
    const { limits, program } = spec
    const { scripts, command } = program ? { scripts: [], command: [] } : launchOf(spec)
    const [first = '', ...rest] = program?.command ?? []
    const bind = (source: string, target: string, isReadOnly: boolean) => ({
      Type: 'bind' as const,
      Source: source,
      Target: target,
      ReadOnly: isReadOnly,
    })
    const once = (Name: string, value: number) => ({ Name, Soft: value, Hard: value })
    try {
      return await engine.createContainer({
        name: `lictor-${spec.id}`,
        Image: image,
        Entrypoint: program ? [first] : ['/bin/sh', '-c', LAUNCH, 'launch'],
        Cmd: program ? rest : [...command, '--', ...spec.args],
        Env: Object.entries(environmentOf(spec)).map(([name, value]) => `${name}=${value}`),
        WorkingDir: program?.workdir ?? WORKSPACE,
        User: program?.user ?? `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
        Labels: {
          'aegis.managed': 'true',
          'aegis.runtime': 'docker',
          'aegis.container_kind': program ? 'step' : 'agent',
          'aegis.execution_id': spec.executionId ?? '',
          'aegis.keep_container_on_failure': 'false',
          [OWNER]: owner,
          [SERVER]: mark,
        },
        OpenStdin: true,
        StdinOnce: true,
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        HostConfig: {
          ...(options.runtime === '' ? {} : { Runtime: options.runtime }),
          Init: true,
          NetworkMode: 'none',
          CapDrop: ['ALL'],
          SecurityOpt: ['no-new-privileges'],
          ReadonlyRootfs: true,
          Tmpfs: { '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${TEMPORARY_BYTES}` },
          ShmSize: SHARED_MEMORY_BYTES,
          // What the agent writes is kept by this server, up to its limit, and nowhere else.
          LogConfig: { Type: 'none', Config: {} },
          Memory: limits.memory,
          MemorySwap: limits.memory,
          PidsLimit: processesOf(limits),
          ...(limits.cpu === undefined ? {} : { NanoCpus: limits.cpu * 1_000_000 }),
          Ulimits: [once('fsize', limits.fileSize), once('nofile', OPEN_FILES), once('core', 0)],
          Mounts: [
            bind(spec.workspace, WORKSPACE, false),
            ...(spec.readOnly ?? []).map((path) => bind(join(spec.workspace, path), `${WORKSPACE}/${path}`, true)),
            ...(program ? [] : [bind(socket, SOCKET, true)]),
            ...(spec.proxy === null ? [] : [bind(spec.proxy, PROXY_SOCKET, true)]),
            ...scripts.map(([source, target]) => bind(source, target, true)),
          ],
        },
      })
    } catch (error) {
      throw new SandboxError(`The container could not be made: ${messageOfEngine(error)}`)
    }
  }

  async function run(container: Docker.Container, spec: InstanceSpec): Promise<Instance> {
    const { limits } = spec
    const quota = workspaceLimitOf(limits)
    const stdout = new Tail(limits.output)
    const stderr = new Tail(limits.output)
    const stream = (await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })) as Duplex
    const flushed = new Promise<void>((resolve) => stream.once('close', resolve).once('end', resolve))
    stream.on('error', () => {})
    engine.modem.demuxStream(stream, sink(stdout), sink(stderr))
    const kill = () => container.kill().catch(unlessNotRunning)
    // Asked before the start: a container may end before anybody could ask.
    const ended = (container.wait({ condition: 'next-exit' }) as Promise<{ StatusCode: number }>).then(
      ({ StatusCode }) => StatusCode,
      async (error: unknown) => {
        stderr.push(Buffer.from(`\nThe Docker Engine was lost: ${messageOfEngine(error)}\n`))
        await kill()
        return 125
      },
    )
    await container.start()
    whenKnown(spec.input, (input) => stream.end(input))
    let workspace = spec.workspace
    let isOverQuota = false
    const watch = watchQuota({
      folder: () => workspace,
      limit: quota,
      clock,
      onExceeded() {
        isOverQuota = true
        void kill().catch(() => {})
      },
    })

    const exited = ended.then(async (code): Promise<InstanceExit> => {
      watch.stop()
      await within(STREAM_GRACE_MS, flushed)
      stream.destroy()
      const ranOutOfMemory = await container.inspect().then(
        ({ State }) => State.OOMKilled,
        () => false,
      )
      if (!isOverQuota) isOverQuota = (await diskUsageOf(workspace, quota).catch(() => 0)) > quota
      const reached = [
        ...(ranOutOfMemory
          ? [`A process was ended: together they used more than ${limits.memory} bytes of memory.`]
          : []),
        ...(isOverQuota ? [`The workspace takes more than ${quota} bytes of disk.`] : []),
      ]
      if (reached.length > 0) stderr.push(Buffer.from(`\n${reached.join('\n')}\n`))
      await remove(container)
      return {
        code: isOverQuota ? DISK_CODE : code,
        stdout: stdout.text(),
        stderr: stderr.text(),
        truncated: stdout.isCut || stderr.isCut,
      }
    })

    let isOver = false
    void exited.then(() => {
      isOver = true
    })
    return {
      id: spec.id,
      exited,
      movedTo(renamed) {
        workspace = renamed
      },
      async stop(graceMilliseconds) {
        if (isOver) return
        if (graceMilliseconds > 0) {
          await container.kill({ signal: 'SIGTERM' }).catch(unlessNotRunning)
          await within(graceMilliseconds, exited)
        }
        if (!isOver) await kill()
        await exited
      },
    }
  }

  /** Remove a container with all that runs in it. One that cannot be removed is tried again, and does not hold anybody up. */
  async function remove(container: Docker.Container, tries = 0): Promise<void> {
    try {
      await container.remove({ force: true, v: true })
    } catch (error) {
      if (statusOf(error) === 404) return
      const pause = REMOVE_AGAIN_MS[tries]
      if (pause === undefined) options.onStuck(container.id, messageOfEngine(error))
      else clock.after(pause, () => void remove(container, tries + 1))
    }
  }

  return {
    name: 'docker',
    isolation: { files: true, network: true, processes: true },
    hasImages: true,
    workspaceOf: () => WORKSPACE,
    gatewayOf: (_gateway, hasProgram = false) =>
      hasProgram ? `http://127.0.0.1:${GATEWAY_PORT}` : `http+unix://${encodeURIComponent(SOCKET)}`,
    start,
    async reap() {
      const found = await engine.listContainers({ all: true, filters: { label: ['aegis.managed=true', OWNER] } })
      // A server has one process at a time: what bears its name is left over. Of others' only what is known to be.
      const left = found.filter(({ Labels }) => Labels[OWNER] === owner || isGone(Labels[SERVER] ?? ''))
      for (const { Id } of left) await remove(engine.getContainer(Id))
      return left.length
    },
  }
}

function environmentOf(spec: InstanceSpec): Record<string, string> {
  // A program of the image knows by the image where things are.
  if (spec.program) return { HOME: '/tmp', TMPDIR: '/tmp', ...spec.env }
  return {
    ...spec.env,
    ...(spec.proxy === null ? {} : proxyVariables(PROXY_SOCKET)),
    ...programVariables(spec),
    HOME: '/tmp',
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
  }
}

/** What an agent's own program needs in place of what a bootstrap knows by itself. */
function programVariables({ ownScript: program, proxy }: InstanceSpec): Record<string, string> {
  if (program === undefined) return {}
  const forwarded = proxy === null ? [] : [proxyVariables(PROXY_SOCKET).LICTOR_FORWARD]
  return { LICTOR_PROGRAM: program, LICTOR_FORWARD: [`${GATEWAY_PORT}=${SOCKET}`, ...forwarded].join(',') }
}

/** The scripts that are shown inside, and what `LAUNCH` is told of them. */
function launchOf(spec: InstanceSpec) {
  const choices = [{ interpreter: spec.interpreter, script: spec.script }, ...(spec.otherwise ? [spec.otherwise] : [])]
  const placed = choices.map(({ interpreter, script }) => ({
    programs: programsOf[interpreter],
    script,
    target: `${INSIDE}/bootstrap${script.endsWith('.py') ? '.py' : '.mjs'}`,
  }))
  return {
    scripts: placed.map(({ script, target }) => [script, target] as const),
    command: placed.flatMap(({ programs, target }) => [programs, target]),
  }
}

/** Keeps the end of what it is given. */
const sink = (tail: Tail): Writable =>
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      tail.push(chunk)
      done()
    },
  })

function unlessNotRunning(error: unknown): void {
  const status = statusOf(error)
  if (status !== 404 && status !== 409) throw error
}

function startFailure(error: unknown, image: string, program: InstanceSpec['program']): string {
  const message = messageOfEngine(error)
  if (program) return `'${program.command[0]}' could not be started in '${image}': ${message}`
  if (/\/bin\/sh.*(no such file|not found)|exec.*\/bin\/sh/i.test(message))
    return `The image '${image}' has no /bin/sh, by which its bootstrap is started.`
  return `The container of '${image}' could not be started: ${message}`
}

function orAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
