import pg from 'pg'
import { storableParameters } from './storable.ts'

interface CopyConnection {
  readonly stream: { write(bytes: Buffer): boolean; cork(): void; uncork(): void }
  query(text: string): void
  endCopyFrom(): void
}

/** `CopyData`: the letter, then the length of what follows and of itself. */
function messageHead(data: Buffer): Buffer {
  const head = Buffer.allocUnsafe(5)
  head[0] = 'd'.charCodeAt(0)
  head.writeInt32BE(data.length + 4, 1)
  return head
}

interface Outcome {
  readonly command: 'COPY'
  readonly rowCount: null
  readonly rows: []
}

/** `copy … from stdin`: one statement and the whole of its data. */
class CopyFrom {
  readonly done: Promise<Outcome>
  private readonly text: string
  private readonly data: Buffer
  private settle: { resolve: (outcome: Outcome) => void; reject: (error: Error) => void } | null = null

  constructor(text: string, data: Buffer) {
    this.text = text
    this.data = data
    this.done = new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
    })
  }

  submit(connection: CopyConnection): void {
    connection.query(this.text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    const { stream } = connection
    stream.cork()
    // As the driver would send it, but without copying it twice.
    stream.write(messageHead(this.data))
    stream.write(this.data)
    connection.endCopyFrom()
    stream.uncork()
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.settle?.resolve({ command: 'COPY', rowCount: null, rows: [] })
  }

  handleError(error: Error): void {
    this.settle?.reject(error)
  }
}

/** The driver's client, whose texts are storable, and which copies as well: `query('copy … from stdin', [data])`, so that a copy runs within Kysely's transactions. */
export class CopyingClient extends pg.Client {
  override query(...given: unknown[]): never {
    const [text, values] = given
    if (typeof text === 'string' && text.startsWith('copy ') && Array.isArray(values)) {
      const copy = new CopyFrom(text, values[0] as Buffer)
      super.query(copy as never)
      return copy.done as never
    }
    const [, parameters, ...rest] = given
    const sent = Array.isArray(parameters) ? [text, storableParameters(parameters), ...rest] : given
    return super.query(...(sent as [never])) as never
  }
}
