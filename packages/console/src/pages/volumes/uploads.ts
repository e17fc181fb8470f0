/** Uploads of this tab, two at a time. They go on while other pages are looked at. */

export type UploadState =
  /** Something of this name is there: it is replaced only when a person says so. */
  | { readonly kind: 'asks' }
  | { readonly kind: 'waits' }
  /** Of the file's bytes so many have gone. */
  | { readonly kind: 'sends'; readonly sent: number }
  | { readonly kind: 'done' | 'cancelled' }
  | { readonly kind: 'failed'; readonly reason: string }

/** A file that is to go to a volume. */
export interface Given {
  readonly path: string
  readonly file: Blob
  /** Why it would be refused, where that is known before it is sent; else null. */
  readonly problem: string | null
}

/** A file on its way to a volume. */
export interface Upload {
  readonly id: number
  readonly volumeId: string
  /** Where it goes, from the volume's root. */
  readonly path: string
  readonly file: Blob
  /** A person said that it may take the place of what is there. */
  readonly mayReplace: boolean
  readonly state: UploadState
}

export interface Uploads {
  add(volumeId: string, files: readonly Given[]): void
  /** Sends what failed, was cancelled, or asked: that takes the place of what is there. */
  send(id: number): void
  cancel(id: number): void
  /** Takes what has ended off the list. */
  clear(volumeId: string): void
  /** Breaks off everything, and forgets it. */
  forget(): void
  readonly subscribe: (listener: () => void) => () => void
  /** The same list until something changes. */
  readonly all: () => readonly Upload[]
}

/** Uploads that go at once: a browser holds six connections to a server, and the console needs some. */
const AT_ONCE = 2

export const isUnderWay = ({ state: { kind } }: Upload): boolean => kind === 'waits' || kind === 'sends'
export const hasEnded = ({ state: { kind } }: Upload): boolean =>
  kind === 'done' || kind === 'cancelled' || kind === 'failed'

/**
 * @param deps.isThere whether a file of its path is in the volume already
 * @param deps.send sends one, telling how far it is; rejects when it was refused or broken off
 * @param deps.words why it was refused, for a person
 */
export function createUploads(deps: {
  readonly isThere: (upload: Upload, signal: AbortSignal) => Promise<boolean>
  readonly send: (upload: Upload, onSent: (bytes: number) => void, signal: AbortSignal) => Promise<void>
  readonly words: (error: unknown) => string
}): Uploads {
  let list: readonly Upload[] = []
  let last = 0
  const listeners = new Set<() => void>()
  const breaks = new Map<number, AbortController>()

  const become = (next: readonly Upload[]) => {
    list = next
    for (const notify of listeners) notify()
  }
  const put = (id: number, state: UploadState, mayReplace = false) =>
    become(
      list.map((upload) =>
        upload.id === id ? { ...upload, state, mayReplace: upload.mayReplace || mayReplace } : upload,
      ),
    )

  /** How it ended. */
  async function attempt(upload: Upload, signal: AbortSignal): Promise<UploadState> {
    const { id, mayReplace } = upload
    try {
      if (!mayReplace && (await deps.isThere(upload, signal))) return { kind: 'asks' }
      await deps.send(upload, (sent) => signal.aborted || put(id, { kind: 'sends', sent }), signal)
      return { kind: 'done' }
    } catch (error) {
      return signal.aborted ? { kind: 'cancelled' } : { kind: 'failed', reason: deps.words(error) }
    }
  }

  function next(): void {
    const upload = breaks.size < AT_ONCE ? list.find(({ state }) => state.kind === 'waits') : undefined
    if (!upload) return
    const { id } = upload
    const life = new AbortController()
    breaks.set(id, life)
    put(id, { kind: 'sends', sent: 0 })
    void attempt(upload, life.signal).then((state) => {
      put(id, state)
      breaks.delete(id)
      next()
    })
    next()
  }

  return {
    add(volumeId, files) {
      const added = files.map(({ path, file, problem }): Upload => {
        last += 1
        const state: UploadState = problem === null ? { kind: 'waits' } : { kind: 'failed', reason: problem }
        return { id: last, volumeId, path, file, mayReplace: false, state }
      })
      become([...list, ...added])
      next()
    },
    send(id) {
      const asked = list.find((upload) => upload.id === id)?.state.kind === 'asks'
      put(id, { kind: 'waits' }, asked)
      next()
    },
    cancel(id) {
      const life = breaks.get(id)
      if (life) life.abort()
      else put(id, { kind: 'cancelled' })
    },
    clear: (volumeId) => become(list.filter((upload) => upload.volumeId !== volumeId || !hasEnded(upload))),
    forget() {
      become([])
      for (const life of breaks.values()) life.abort()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    all: () => list,
  }
}
