/**
 * How well what is typed names an entry, from 0 (not at all) to 1. Every typed word must stand in the entry's label or
 * keywords as it is; letters scattered over it name nothing.
 */
export function match(label: string, typed: string, keywords: readonly string[] = []): number {
  const name = label.toLowerCase()
  const all = `${name} ${keywords.join(' ').toLowerCase()}`
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.every((word) => all.includes(word))) return 0
  const whole = words.join(' ')
  if (name.startsWith(whole)) return 1
  return words.every((word) => all.split(' ').some((part) => part.startsWith(word))) ? 0.8 : 0.5
}
