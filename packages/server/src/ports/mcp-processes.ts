import type { ServerProcess } from '@lictor/mcp'

/** One process that speaks MCP on its standard streams. */
export interface McpProcessSpec {
  /** Names it among those of this server: letters, digits, `-` and `_`. */
  readonly id: string
  readonly command: string
  readonly args: readonly string[]
  /** Beside the few variables every program needs; secrets are here and nowhere else. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Bytes of memory that it may use with all it starts. */
  readonly memory: number
  /** Thousandths of a processor that it may use with all it starts. */
  readonly cpu: number
}

/** Where MCP servers of this node run. */
export interface McpProcesses {
  /** @throws SandboxError when it cannot be started */
  start(
    spec: McpProcessSpec,
  ): Promise<ServerProcess & { /** Null where the system gave none. */ readonly pid: number | null }>
  /** End what an earlier process of this server left running; how many processes ended. */
  reap(): Promise<number>
}
