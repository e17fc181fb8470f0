import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { type GroupFiles, openControlGroups } from './cgroups.ts'
import { warnOfLimits } from './limits.ts'

const failure = (code: string, path: string) => Object.assign(new Error(`${code}: ${path}`), { code })
const LIMITS = { memory: 256 * 1024 ** 2, processes: 512, cpu: 1500 }
const V2 = {
  '/proc/self/cgroup': '0::/system.slice/lictor.service\n',
  '/proc/self/mountinfo': '30 20 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n',
}
const SERVICE = '/sys/fs/cgroup/system.slice/lictor.service'

/** Control groups as the kernel shows them: a group has its files when it is made, and cannot be removed with members in it. */
function kernel(start: Record<string, string>, own: Record<string, Record<string, string>>) {
  const files = new Map(Object.entries(start))
  const folders = new Set<string>()
  const writes: string[] = []
  const refusing = new Set<string>()
  for (const [folder, content] of Object.entries(own)) {
    folders.add(folder)
    for (const [name, text] of Object.entries(content)) files.set(join(folder, name), text)
  }
  const membersOf = (folder: string) => (files.get(join(folder, 'cgroup.procs')) ?? '').split('\n').filter(Boolean)
  const access: GroupFiles = {
    read(path) {
      const text = files.get(path)
      if (text === undefined) throw failure('ENOENT', path)
      return text
    },
    write(path, text) {
      if (refusing.has(path)) throw failure('EACCES', path)
      if (!folders.has(dirname(path))) throw failure('ENOENT', path)
      if (path.endsWith('cgroup.subtree_control')) {
        if (membersOf(dirname(path)).length > 0) throw failure('EBUSY', path)
        files.set(path, `${files.get(path) ?? ''} ${text.slice(1)}`)
      } else if (path.endsWith('cgroup.procs')) {
        for (const folder of folders)
          files.set(
            join(folder, 'cgroup.procs'),
            membersOf(folder)
              .filter((id) => id !== text)
              .join('\n'),
          )
        files.set(path, [...membersOf(dirname(path)), text].join('\n'))
      } else files.set(path, text)
      writes.push(`${path} ${text}`)
    },
    makeFolder(path) {
      if (refusing.has(path)) throw failure('EACCES', path)
      if (!folders.has(dirname(path))) throw failure('ENOENT', path)
      folders.add(path)
      files.set(join(path, 'cgroup.procs'), '')
    },
    removeFolder(path) {
      if (!folders.has(path)) throw failure('ENOENT', path)
      if (membersOf(path).length > 0) throw failure('EBUSY', path)
      folders.delete(path)
    },
    folders: (path) =>
      [...folders].filter((folder) => dirname(folder) === path).map((folder) => folder.slice(path.length + 1)),
  }
  const killed: number[] = []
  return {
    files,
    folders,
    writes,
    refusing,
    killed,
    open: (owner = 'node-1') =>
      openControlGroups({
        owner,
        files: access,
        pause: async () => {},
        kill(id) {
          killed.push(id)
          for (const folder of folders)
            files.set(
              join(folder, 'cgroup.procs'),
              membersOf(folder)
                .filter((one) => one !== String(id))
                .join('\n'),
            )
        },
      }),
  }
}

const service = (members: string, enabled = '') => ({
  [SERVICE]: { 'cgroup.controllers': 'cpu memory pids', 'cgroup.subtree_control': enabled, 'cgroup.procs': members },
})

it('version 2: a group is limited in memory without swap, in processes and processor time, and ends whole', () => {
  const { open, writes } = kernel(V2, service('', 'memory pids cpu'))
  const groups = open()
  expect(groups.problems).toEqual({})
  writes.length = 0
  const folder = `${SERVICE}/lictor.node-1.one`
  expect(groups.create('one', LIMITS).entrances).toEqual([`${folder}/cgroup.procs`])
  expect(writes).toEqual([
    `${folder}/pids.max 512`,
    `${folder}/cpu.max 150000 100000`,
    `${folder}/memory.max 268435456`,
    `${folder}/memory.swap.max 0`,
    `${folder}/memory.oom.group 1`,
  ])
})

it('version 2: the server steps aside where its own group has members, and finds its place again', () => {
  const { open, files, folders, writes } = kernel(V2, service('41\n42'))
  expect(open().problems).toEqual({})
  expect(files.get(`${SERVICE}/lictor-server/cgroup.procs`)).toBe('41\n42')
  expect(files.get(`${SERVICE}/cgroup.subtree_control`)?.trim()).toBe('memory pids cpu')
  files.set('/proc/self/cgroup', '0::/system.slice/lictor.service/lictor-server\n')
  writes.length = 0
  open().create('one', LIMITS)
  expect(folders.has(`${SERVICE}/lictor.node-1.one`)).toBe(true)
  expect(writes.some((line) => line.includes('subtree_control'))).toBe(false)
})

it('version 1: memory with swap, processes and processor time, each in its own hierarchy', () => {
  const { open, writes } = kernel(
    {
      '/proc/self/cgroup': '9:cpu,cpuacct:/\n8:pids:/\n4:memory:/docker/abc\n0::/\n',
      '/proc/self/mountinfo':
        '31 20 0:26 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 20 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n34 20 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n33 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
    },
    { '/sys/fs/cgroup/memory': {}, '/sys/fs/cgroup/pids': {}, '/sys/fs/cgroup/cpu,cpuacct': {} },
  )
  const groups = open()
  expect(groups.problems).toEqual({})
  writes.length = 0
  groups.create('one', LIMITS)
  expect(writes).toEqual([
    '/sys/fs/cgroup/memory/lictor.node-1.one/memory.limit_in_bytes 268435456',
    '/sys/fs/cgroup/memory/lictor.node-1.one/memory.memsw.limit_in_bytes 268435456',
    '/sys/fs/cgroup/pids/lictor.node-1.one/pids.max 512',
    '/sys/fs/cgroup/cpu,cpuacct/lictor.node-1.one/cpu.cfs_period_us 100000',
    '/sys/fs/cgroup/cpu,cpuacct/lictor.node-1.one/cpu.cfs_quota_us 150000',
  ])
})

it('what is not granted is said, once and with its reason; what is granted holds all the same', () => {
  const { open } = kernel(V2, {
    [SERVICE]: { 'cgroup.controllers': 'pids', 'cgroup.subtree_control': 'pids', 'cgroup.procs': '' },
  })
  const groups = open()
  expect(groups.problems).toEqual({
    memory: `${SERVICE} has no controller 'memory'`,
    cpu: `${SERVICE} has no controller 'cpu'`,
  })
  expect(groups.create('one', LIMITS).entrances).toHaveLength(1)
  const lines: unknown[][] = []
  const logger = { warn: (...line: unknown[]) => void lines.push(line) }
  warnOfLimits({ whose: 'agents', groups, countsProcesses: false, logger })
  expect(lines).toMatchObject([
    [
      { unenforced: expect.arrayContaining(['memory of all processes together', 'shared memory', 'processor time']) },
      expect.any(String),
    ],
  ])
  expect(JSON.stringify(lines)).not.toContain('number of processes')
})

it('processes that bubblewrap counts are not said to be without a limit', () => {
  const groups = kernel({}, {}).open()
  const lines: unknown[][] = []
  const logger = { warn: (...line: unknown[]) => void lines.push(line) }
  warnOfLimits({ whose: 'agents', groups, countsProcesses: true, logger })
  warnOfLimits({ whose: 'agents', groups, countsProcesses: false, logger })
  expect(lines.map((line) => JSON.stringify(line).includes('number of processes'))).toEqual([false, true])
})

it('without permission, and without control groups, agents start unlimited by them', () => {
  const closed = kernel(V2, service('', 'memory pids cpu'))
  closed.refusing.add(`${SERVICE}/lictor.node-1.probe`)
  expect(closed.open().problems).toEqual({
    memory: expect.stringContaining('EACCES'),
    processes: expect.stringContaining('EACCES'),
    cpu: expect.stringContaining('EACCES'),
  })
  const none = kernel({}, {}).open()
  expect(Object.keys(none.problems)).toEqual(['memory', 'processes', 'cpu'])
  expect(none.create('one', LIMITS).entrances).toEqual([])
})

it('a group that could not be limited is not left behind', () => {
  const { open, refusing, folders } = kernel(V2, service('', 'memory pids cpu'))
  const groups = open()
  refusing.add(`${SERVICE}/lictor.node-1.one/memory.max`)
  expect(() => groups.create('one', LIMITS)).toThrow('No control group could be made')
  expect([...folders]).toEqual([SERVICE])
})

it('the end of a group: it may not grow, its members are ended, it is removed', async () => {
  const { open, files, folders, killed, writes } = kernel(V2, service('', 'memory pids cpu'))
  const group = open().create('one', LIMITS)
  files.set(`${SERVICE}/lictor.node-1.one/cgroup.procs`, '71\n72\n')
  writes.length = 0
  expect(await group.end()).toBe(2)
  expect(writes).toEqual([`${SERVICE}/lictor.node-1.one/pids.max 0`])
  expect(killed).toEqual([71, 72])
  expect([...folders]).toEqual([SERVICE])
  expect(await group.end()).toBe(0)
})

it('a start removes the groups its owner left, with their members, and no others', async () => {
  const { open, files, folders, killed } = kernel(V2, service('', 'memory pids cpu'))
  open('node-1').create('left', LIMITS)
  open('node-12').create('of-another', LIMITS)
  files.set(`${SERVICE}/lictor.node-1.left/cgroup.procs`, '81')
  files.set(`${SERVICE}/lictor.node-12.of-another/cgroup.procs`, '82')
  expect(await open('node-1').reap()).toBe(1)
  expect(killed).toEqual([81])
  expect([...folders].sort()).toEqual([SERVICE, `${SERVICE}/lictor.node-12.of-another`])
})

it('tells that the kernel ended a process for want of memory', () => {
  const { open, files } = kernel(V2, service('', 'memory pids cpu'))
  const group = open().create('one', LIMITS)
  const events = `${SERVICE}/lictor.node-1.one/memory.events`
  files.set(events, 'low 0\nmax 12\noom 0\noom_kill 0\n')
  expect(group.ranOutOfMemory()).toBe(false)
  files.set(events, 'low 0\nmax 12\noom 1\noom_kill 1\n')
  expect(group.ranOutOfMemory()).toBe(true)
})
