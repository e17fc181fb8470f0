/**
 * `npm start`: build, then `lictor up` in this very process. What a supervisor tells npm must reach the server: npm hands a
 * signal to the shell that runs its script, and that shell ends by it without telling anybody. So the server watches the
 * two, and ends as by SIGTERM when one of them is gone.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const command = join(root, 'packages/cli/dist/bin.js')
const isWindows = process.platform === 'win32'
const WATCH_MS = 250

/** The process that began this one, and, where that is npm's shell, npm. */
function starters(): readonly number[] {
  const parent = process.ppid
  try {
    const isShell = readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('scripts/start.ts')
    // After the name in brackets, which may hold blanks: the state, and then the parent.
    const [, npm] = readFileSync(`/proc/${parent}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return isShell ? [parent, Number(npm)] : [parent]
  } catch {
    return [parent]
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const watched = starters()
const build = spawnSync(isWindows ? 'npm.cmd' : 'npm', ['run', 'build', '--silent'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  shell: isWindows,
})
if (build.signal !== null) process.kill(process.pid, build.signal)
else if (build.status !== 0) process.exitCode = build.status ?? 1
else if (watched.every(isAlive)) {
  const watch = setInterval(() => {
    if (process.ppid === watched[0] && watched.every(isAlive)) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, WATCH_MS)
  watch.unref()
  process.argv.splice(1, 1, command, 'up')
  await import(command)
}
