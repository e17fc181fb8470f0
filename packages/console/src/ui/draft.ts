/**
 * Texts that a person is writing, kept for this tab: a navigation, Back, a reload or an ended session must not take them.
 * Signing out forgets them.
 */
const PREFIX = 'lictor.draft:'

/** The part of a browser's storage that is used. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

export interface Drafts {
  readonly read: (name: string) => string | null
  /** Null forgets it. */
  readonly write: (name: string, text: string | null) => void
  readonly forgetAll: () => void
}

/** @param storage null where storage is forbidden; nothing is kept then */
export function createDrafts(storage: () => DraftStorage | null): Drafts {
  const attempt = <T>(run: (storage: DraftStorage) => T): T | null => {
    try {
      const found = storage()
      return found && run(found)
    } catch {
      // Full or forbidden: a draft is a help, never a condition.
      return null
    }
  }
  return {
    read: (name) => attempt((found) => found.getItem(PREFIX + name)),
    write: (name, text) =>
      void attempt((found) => (text === null ? found.removeItem(PREFIX + name) : found.setItem(PREFIX + name, text))),
    forgetAll: () =>
      void attempt((found) => {
        const names = Array.from({ length: found.length }, (_, index) => found.key(index) ?? '')
        for (const name of names) if (name.startsWith(PREFIX)) found.removeItem(name)
      }),
  }
}

export const drafts = createDrafts(() => sessionStorage)
