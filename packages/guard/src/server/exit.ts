/** Guards that are still connected when the process runs out of work; each delivers its events before the process ends. */
const open = new Set<{ close(): Promise<void> }>()

function closeAll(): void {
  for (const guard of [...open]) void guard.close()
}

/** Closes the guard when the process is about to end by itself. A killed process gets no such chance. */
export function closeOnExit(guard: { close(): Promise<void> }): void {
  if (open.size === 0) process.on('beforeExit', closeAll)
  open.add(guard)
}

export function forgetOnExit(guard: { close(): Promise<void> }): void {
  open.delete(guard)
  if (open.size === 0) process.off('beforeExit', closeAll)
}
