export {
  type CallOptions,
  connect,
  LEGACY_VERSION,
  type McpClient,
  type McpClientOptions,
  type McpTool,
  MODERN_VERSION,
} from './client.ts'
export type { McpClock } from './clock.ts'
export { McpDisconnected, McpError, McpSessionLost, McpTimeout, McpUnsupported } from './errors.ts'
export { type HttpOptions, type HttpState, httpTransport } from './http.ts'
export { createLineReader, type LineReader, LineTooLong } from './lines.ts'
export { METHOD_NOT_FOUND, type RpcError, type RpcMessage, readMessage } from './messages.ts'
export { type ServerProcess, type StdioOptions, stdioTransport } from './stdio.ts'
export type { OpenTransport, SentAbout, Transport, TransportEvents } from './transport.ts'
