import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SandboxError } from '../../ports/sandbox.ts'

/** The few operations on files by which the kernel is told about control groups. */
export interface GroupFiles {
  read(path: string): string
  write(path: string, text: string): void
  makeFolder(path: string): void
  removeFolder(path: string): void
  /** Names of the folders in this one. */
  folders(path: string): readonly string[]
}

export interface GroupLimits {
  /** Bytes of all its processes together, shared memory and temporary files included. */
  readonly memory: number
  /** Processes and threads at once. */
  readonly processes: number
  /** Thousandths of a processor, of all its processes together; unlimited when left out. */
  readonly cpu?: number
}

/** A set of processes that the kernel limits together. */
export interface ControlGroup {
  /** Files to which a process writes `0` to become a member. */
  readonly entrances: readonly string[]
  /** The kernel ended a process because the group's memory was used up. */
  ranOutOfMemory(): boolean
  /** End every member and remove the group; how many processes were ended. */
  end(): Promise<number>
}

/** What this machine lets the server limit. */
export interface ControlGroups {
  /** Why a limit does not hold here, by limit; empty when all do. */
  readonly problems: Problems
  create(id: string, limits: GroupLimits): ControlGroup
  /** End and remove what an earlier process of this server left; how many processes that were. */
  reap(): Promise<number>
}

const controllers = ['memory', 'pids', 'cpu'] as const
type Controller = (typeof controllers)[number]
const limitOf = { memory: 'memory', pids: 'processes', cpu: 'cpu' } as const satisfies Record<Controller, string>
export type Problems = { readonly [limit in (typeof limitOf)[Controller]]?: string }

interface Hierarchy {
  readonly version: 1 | 2
  readonly controllers: readonly Controller[]
  /** The group below which this server makes its own. */
  readonly folder: string
}

/** On cgroup v2 a group with members cannot have limited groups below it: the server steps aside into this one. */
const ASIDE = 'lictor-server'
/** An interpreter does not start in less. */
const LEAST_MEMORY = 64 * 1024 ** 2
/** Microseconds over which processor time is counted, and the least the kernel takes for a limit of it. */
const CPU_PERIOD = 100_000
const LEAST_CPU = 1000
const PAUSE_MS = 5
/** Some ten seconds: a process that the kernel holds in a device or a network file system does not end at once. */
const ROUNDS = 2000

const machineFiles: GroupFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  write: (path, text) => writeFileSync(path, text),
  makeFolder: (path) => mkdirSync(path),
  removeFolder: (path) => rmdirSync(path),
  folders: (path) =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name),
}

/**
 * Control groups below the one this server runs in, so that a limit on the server holds for its agents too. Version 2 where
 * it was delegated to the server or the server is root, version 1 where the server is root.
 * @param owner names this server among those on the machine; letters, digits, `-` and `_`
 */
export function openControlGroups(deps: {
  owner: string
  files?: GroupFiles
  kill?: (process: number) => void
  /** Between two looks at whether a group has ended. */
  pause?: () => Promise<void>
}): ControlGroups {
  const {
    owner,
    files = machineFiles,
    kill = (id) => void process.kill(id, 'SIGKILL'),
    pause = () => wait(PAUSE_MS),
  } = deps
  const prefix = `lictor.${owner.replace(/[^\w-]/g, '_')}.`
  const { hierarchies, problems } = usableHierarchies(files, `${prefix}probe`)

  function groupOf(name: string): ControlGroup {
    const folders = hierarchies.map(({ folder }) => join(folder, name))
    return {
      entrances: folders.map((folder) => join(folder, 'cgroup.procs')),
      ranOutOfMemory: () =>
        hierarchies.some(({ version, folder, controllers }) => {
          if (!controllers.includes('memory')) return false
          const file = join(folder, name, version === 2 ? 'memory.events' : 'memory.oom_control')
          return /^oom_kill [1-9]/m.test(readOr(files, file, ''))
        }),
      async end() {
        const ended = new Set<number>()
        // A group that may not grow cannot outrun its end.
        for (const { folder, controllers } of hierarchies)
          if (controllers.includes('pids')) attempt(() => files.write(join(folder, name, 'pids.max'), '0'))
        for (let round = 0; round < ROUNDS; round++) {
          const members = folders.flatMap((folder) => membersOf(files, folder))
          for (const member of members) {
            attempt(() => kill(member))
            ended.add(member)
          }
          const left = members.length > 0 ? folders : folders.filter((folder) => !remove(files, folder))
          if (left.length === 0) break
          await pause()
        }
        return ended.size
      },
    }
  }

  return {
    problems,
    create(id, limits) {
      const name = prefix + id
      try {
        for (const hierarchy of hierarchies) {
          files.makeFolder(join(hierarchy.folder, name))
          limit(files, hierarchy, name, limits)
        }
      } catch (error) {
        for (const { folder } of hierarchies) remove(files, join(folder, name))
        throw new SandboxError(`No control group could be made for it: ${(error as Error).message}`)
      }
      return groupOf(name)
    },
    async reap() {
      const names = new Set(hierarchies.flatMap(({ folder }) => files.folders(folder)))
      let ended = 0
      for (const name of names) if (name.startsWith(prefix)) ended += await groupOf(name).end()
      return ended
    },
  }
}

/** Groups that limit nothing, for machines without them. */
export const noControlGroups: ControlGroups = {
  problems: {
    memory: 'control groups are not used',
    processes: 'control groups are not used',
    cpu: 'control groups are not used',
  },
  create: () => ({ entrances: [], ranOutOfMemory: () => false, end: async () => 0 }),
  reap: async () => 0,
}

function usableHierarchies(files: GroupFiles, probe: string) {
  const hierarchies: Hierarchy[] = []
  const problems: { -readonly [limit in keyof Problems]: Problems[limit] } = {}
  for (const controller of controllers) {
    try {
      const found = hierarchyOf(files, controller)
      const same = hierarchies.findIndex(({ folder }) => folder === found.folder)
      const hierarchy: Hierarchy = { ...found, controllers: [...(hierarchies[same]?.controllers ?? []), controller] }
      if (hierarchy.version === 2) delegate(files, hierarchy.folder, controller)
      tryOut(files, { ...hierarchy, controllers: [controller] }, probe)
      hierarchies.splice(same < 0 ? hierarchies.length : same, 1, hierarchy)
    } catch (error) {
      problems[limitOf[controller]] = (error as Error).message
    }
  }
  return { hierarchies, problems }
}

function hierarchyOf(files: GroupFiles, controller: Controller): Pick<Hierarchy, 'version' | 'folder'> {
  const memberships = files
    .read('/proc/self/cgroup')
    .trim()
    .split('\n')
    .map((line) => /^(\d+):([^:]*):(.*)$/.exec(line))
    .map((match) => ({
      controllers: (match?.[2] ?? '').split(','),
      path: match?.[3] ?? '/',
      isUnified: match?.[1] === '0',
    }))
  const first = memberships.find(({ controllers }) => controllers.includes(controller))
  const own = first ?? memberships.find(({ isUnified }) => isUnified)
  if (own === undefined) throw new Error(`this kernel has no control groups for '${controller}'`)
  const version = first === undefined ? 2 : 1
  for (const line of files.read('/proc/self/mountinfo').split('\n')) {
    const [fields = '', tail = ''] = line.split(' - ')
    const [, , , root = '/', point = ''] = fields.split(' ')
    const [type, , options = ''] = tail.split(' ')
    if (type !== (version === 2 ? 'cgroup2' : 'cgroup')) continue
    if (version === 1 && !options.split(',').includes(controller)) continue
    // A container sees the machine's groups from its own on.
    const below = root !== '/' && `${own.path}/`.startsWith(`${root}/`) ? own.path.slice(root.length) : own.path
    const folder = join(point, below)
    return { version, folder: version === 2 && basename(folder) === ASIDE ? dirname(folder) : folder }
  }
  throw new Error(`control groups for '${controller}' are not mounted`)
}

/** Hand a controller of version 2 on to the groups below, which the kernel permits only where no process is in the way. */
function delegate(files: GroupFiles, folder: string, controller: Controller): void {
  const has = (file: string) => files.read(join(folder, file)).trim().split(' ').includes(controller)
  if (!has('cgroup.controllers')) throw new Error(`${folder} has no controller '${controller}'`)
  if (has('cgroup.subtree_control')) return
  const enable = () => files.write(join(folder, 'cgroup.subtree_control'), `+${controller}`)
  try {
    enable()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    const aside = join(folder, ASIDE)
    if (!files.folders(folder).includes(ASIDE)) files.makeFolder(aside)
    // One that ends meanwhile need not be moved; one that stays behind is why the next line fails.
    for (const member of membersOf(files, folder))
      attempt(() => files.write(join(aside, 'cgroup.procs'), String(member)))
    enable()
  }
}

function tryOut(files: GroupFiles, hierarchy: Hierarchy, name: string): void {
  const folder = join(hierarchy.folder, name)
  remove(files, folder)
  files.makeFolder(folder)
  try {
    limit(files, hierarchy, name, { memory: LEAST_MEMORY, processes: 1, cpu: 10 })
  } finally {
    remove(files, folder)
  }
}

function limit(
  files: GroupFiles,
  { version, controllers, folder }: Hierarchy,
  name: string,
  limits: GroupLimits,
): void {
  const write = (file: string, value: string) => files.write(join(folder, name, file), value)
  if (controllers.includes('pids')) write('pids.max', String(limits.processes))
  if (controllers.includes('cpu') && limits.cpu !== undefined) {
    const quota = Math.max(Math.ceil((limits.cpu * CPU_PERIOD) / 1000), LEAST_CPU)
    if (version === 2) write('cpu.max', `${quota} ${CPU_PERIOD}`)
    else {
      write('cpu.cfs_period_us', String(CPU_PERIOD))
      try {
        write('cpu.cfs_quota_us', String(quota))
      } catch (error) {
        // More than the server itself may have: what it may have holds for its groups as well.
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
      }
    }
  }
  if (!controllers.includes('memory')) return
  const memory = String(Math.max(limits.memory, LEAST_MEMORY))
  write(version === 2 ? 'memory.max' : 'memory.limit_in_bytes', memory)
  // Swap would be memory beyond the limit. A kernel that does not count it has no such file.
  attempt(() => (version === 2 ? write('memory.swap.max', '0') : write('memory.memsw.limit_in_bytes', memory)))
  // An agent without one of its processes is broken: it ends whole.
  if (version === 2) attempt(() => write('memory.oom.group', '1'))
}

const membersOf = (files: GroupFiles, folder: string): number[] =>
  readOr(files, join(folder, 'cgroup.procs'), '')
    .split('\n')
    .map(Number)
    .filter((id) => id > 0)

function readOr(files: GroupFiles, path: string, otherwise: string): string {
  try {
    return files.read(path)
  } catch {
    return otherwise
  }
}

/** Whether the group is gone. */
function remove(files: GroupFiles, folder: string): boolean {
  try {
    files.removeFolder(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/** Do what may fail because its object has gone meanwhile, or because this kernel lacks it. */
function attempt(act: () => void): void {
  try {
    act()
  } catch {}
}
