import type { RpcError } from './messages.ts'

/** The server answered with an error. Its code is passed on as it came. */
export class McpError extends Error {
  override readonly name = 'McpError'
  readonly code: number
  readonly data: unknown
  constructor({ code, message, data }: RpcError) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** There is no connection, or it broke off before the answer came. Whether a call was carried out is not known. */
export class McpDisconnected extends Error {
  override readonly name = 'McpDisconnected'
}

/** The server knows the session no more, and took nothing of what was sent: it can be sent again under a new one. */
export class McpSessionLost extends Error {
  override readonly name = 'McpSessionLost'
}

/** No answer came in time. */
export class McpTimeout extends Error {
  override readonly name = 'McpTimeout'
}

/** The server speaks otherwise than MCP, or asks for what this client does not do. */
export class McpUnsupported extends Error {
  override readonly name = 'McpUnsupported'
}
