/** What is smaller may be memory that the parser of the form uses again, such as that of a boundary, which fits a header. */
const LEAST_BYTES = 32 * 1024

/** Pieces of a file, cut in their order from the memory in which the body of a form came. */
export interface Cuttings {
  /** Hand on a piece. */
  cut(piece: Uint8Array): void
  /** Nobody looks at this piece any more. */
  release(piece: Uint8Array): void
}

interface Memory {
  inUse: number
  /** One piece is more than half of it: it is no pool, from which Node serves others as well. */
  isOfTheFile: boolean
}

/**
 * Gives back what came of a body when no piece of it is in use any more and a piece of what came after it was cut, which means that
 * the parser is past it: what one receipt of bytes holds beside the file stands before or behind all pieces of the file.
 */
export function createCuttings(): Cuttings {
  const memories = new Map<ArrayBufferLike, Memory>()
  let latest: ArrayBufferLike | null = null

  function end(buffer: ArrayBufferLike): void {
    const memory = memories.get(buffer)
    if (!memory || buffer === latest || memory.inUse > 0) return
    memories.delete(buffer)
    if (memory.isOfTheFile && buffer instanceof ArrayBuffer && buffer.byteLength >= LEAST_BYTES) buffer.transfer(0)
  }

  return {
    cut({ buffer, byteLength }) {
      const before = latest
      latest = buffer
      const memory = memories.get(buffer) ?? { inUse: 0, isOfTheFile: false }
      memory.inUse++
      memory.isOfTheFile ||= byteLength > buffer.byteLength / 2
      memories.set(buffer, memory)
      if (before !== null) end(before)
    },
    release({ buffer }) {
      const memory = memories.get(buffer)
      if (!memory) return
      memory.inUse--
      end(buffer)
    },
  }
}
