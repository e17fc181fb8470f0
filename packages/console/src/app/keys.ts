/** Which shortcut a key press means. Pure: the time and the registered shortcuts come in, an action or nothing comes out. */

export interface Shortcut {
  /** One key (`a`, `?`, `/`) or two in a row (`g i`). */
  readonly keys: string
  readonly label: string
  readonly group: string
  readonly run: () => void
  /** Navigation may repeat while the key is held; a decision never. */
  readonly repeats?: boolean
  /** The key decides something: it never acts as the key after an unfinished sequence. */
  readonly decides?: boolean
}

export interface KeyPress {
  readonly key: string
  readonly repeat: boolean
  /** Ctrl, Alt or Meta is down: the press belongs to the browser. */
  readonly modified: boolean
  /** Focus is in a field, a dialog or a menu. */
  readonly elsewhere: boolean
}

/** A two-key shortcut must be finished within this many milliseconds. */
const SEQUENCE_WINDOW = 1_000

/** Keys that decide something on some page. None may be the second key of a sequence: `g a` would be half a decision. */
export const DECISION_KEYS: readonly string[] = ['a', 'd', 'u']

/** Returns a function that maps each press, at a time in milliseconds, to the shortcut it completes. */
export function keyReader(): (press: KeyPress, shortcuts: readonly Shortcut[], now: number) => Shortcut | null {
  let first: { key: string; at: number } | null = null
  return (press, shortcuts, now) => {
    if (press.modified || press.elsewhere || ['Shift', 'Control', 'Alt', 'Meta'].includes(press.key)) return null
    const begun = first
    first = null
    const sequence = begun && shortcuts.find((s) => s.keys === `${begun.key} ${press.key}`)
    if (sequence && now - begun.at <= SEQUENCE_WINDOW) return press.repeat ? null : sequence
    if (!press.repeat && shortcuts.some((s) => s.keys.startsWith(`${press.key} `))) {
      first = { key: press.key, at: now }
      return null
    }
    const single = shortcuts.find((s) => s.keys === press.key)
    // After `g` a person means a place, however long they think about which.
    if (single?.decides && begun) return null
    return single && (!press.repeat || single.repeats) ? single : null
  }
}
