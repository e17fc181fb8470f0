import { readFileSync, readlinkSync } from 'node:fs'

/**
 * What tells this process from every other, also from one that is given its number later, or after the machine was started
 * anew: boot, namespace of processes, number, instant of its start. Empty where the system does not tell.
 */
export function ownMark(): string {
  const [boot, namespace] = [bootId(), processNamespace()]
  const started = startOf(process.pid)
  return boot === '' || namespace === '' || started === '' ? '' : `${boot}/${namespace}/${process.pid}/${started}`
}

/** Whether the process with this mark is known to have ended. One that cannot be seen from here is not known to have. */
export function isGone(mark: string): boolean {
  const [boot, namespace, process, started] = mark.split('/')
  if (!boot || !namespace || !process || !started || bootId() === '') return false
  if (boot !== bootId()) return true
  return namespace === processNamespace() && startOf(Number(process)) !== started
}

const bootId = (): string => textOf('/proc/sys/kernel/random/boot_id').trim()

function processNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''
  } catch {
    return ''
  }
}

/** Ticks since boot; empty when there is no such process. Its name, in brackets, may hold blanks and brackets. */
function startOf(process: number): string {
  const stat = textOf(`/proc/${process}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
