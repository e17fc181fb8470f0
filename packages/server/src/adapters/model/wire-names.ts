/** Providers take tool names of letters, digits, `_` and `-`; ours also have dots. */
export interface WireNames {
  toWire(name: string): string
  /** A name the provider was never told is returned as it is. */
  fromWire(wire: string): string
}

const LONGEST = 64

/** Names for the provider, each told apart from the others. */
export function createWireNames(names: readonly string[]): WireNames {
  const wires = new Map<string, string>()
  const originals = new Map<string, string>()
  const wireOf = (name: string): string => {
    const plain = name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, LONGEST) || '_'
    let wire = plain
    for (let n = 2; originals.has(wire); n++) wire = `${plain.slice(0, LONGEST - 4)}_${n}`
    return wire
  }
  const add = (name: string): string => {
    const wire = wireOf(name)
    wires.set(name, wire)
    originals.set(wire, name)
    return wire
  }
  // Names that need no change keep theirs, whatever the others become.
  for (const name of [...names].sort((a, b) => Number(a.includes('.')) - Number(b.includes('.')))) add(name)
  return {
    toWire: (name) => wires.get(name) ?? add(name),
    fromWire: (wire) => originals.get(wire) ?? wire,
  }
}
