export { type Connection, connect } from './connection/connection.ts'
export { runCli } from './program.ts'
export type { Terminal } from './terminal/terminal.ts'
