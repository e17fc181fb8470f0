import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { type Examination, type HeldTool, isRecord, type Pin } from '@lictor/mcp/gateway'
import { CliError } from '../errors.ts'

/** What is known of the tools of one MCP server: those a person has seen, and those that are held back until one does. */
export interface PinFile {
  readonly server: string
  readonly tools: Readonly<Record<string, Pin>>
  readonly held: Readonly<Record<string, HeldTool>>
}

/** The files in which tools are pinned, one for each server. */
export interface PinFiles {
  readonly folder: string
  /** Names of the servers, in order. */
  list(): readonly string[]
  /** Empty for a server that nobody has seen. @throws CliError for a file that cannot be read */
  read(server: string): PinFile
  /** @throws CliError */
  keep(server: string, found: Examination): void
  /** Take tools that are held back for what they are now. @throws CliError for a tool that is not held back */
  accept(server: string, tools: readonly string[]): void
}

export function openPinFiles(folder: string): PinFiles {
  const pathOf = (server: string) => join(folder, `${server}.json`)

  function read(server: string): PinFile {
    let text: string
    try {
      text = readFileSync(pathOf(server), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { server, tools: {}, held: {} }
      throw unusable(server, error)
    }
    try {
      const { tools, held } = JSON.parse(text) as Partial<PinFile>
      if (!isRecord(tools) || !isRecord(held)) throw new Error("it has no 'tools' and 'held'")
      return { server, tools, held }
    } catch (error) {
      throw unusable(server, error)
    }
  }

  /** Whole or not at all: a file that is half written would hold back every tool. */
  function write(file: PinFile): void {
    const path = pathOf(file.server)
    const beside = `${path}.${process.pid}`
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(beside, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
      renameSync(beside, path)
    } catch (error) {
      throw new CliError(
        'pins_unwritable',
        `The tools of '${file.server}' cannot be pinned: ${(error as Error).message}`,
        {
          hint: 'Name another folder with --pins.',
          cause: error,
        },
      )
    }
  }

  function unusable(server: string, cause: unknown): CliError {
    return new CliError('pins_unreadable', `The file ${pathOf(server)} cannot be read: ${(cause as Error).message}`, {
      hint: 'Mend it, or remove it to pin the tools anew as they are then.',
      cause,
    })
  }

  return {
    folder,
    read,
    list() {
      try {
        const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
        return files.map((name) => name.slice(0, -'.json'.length)).sort()
      } catch {
        return []
      }
    },
    keep(server, { fresh, held, settled }) {
      const before = read(server)
      const isKnown = Object.entries(held).every(([name, tool]) => before.held[name]?.hash === tool.hash)
      if (Object.keys(fresh).length === 0 && isKnown && settled.length === 0) return
      const left = Object.entries(before.held).filter(([name]) => !settled.includes(name))
      write({ server, tools: { ...before.tools, ...fresh }, held: { ...Object.fromEntries(left), ...held } })
    },
    accept(server, names) {
      const { tools, held } = read(server)
      const missing = names.find((name) => !Object.hasOwn(held, name))
      if (missing !== undefined)
        throw new CliError('not_held', `The server '${server}' has no tool '${missing}' that is held back.`, {
          hint: `\`lictor mcp pins ${server}\` lists its tools.`,
        })
      const accepted = names.map((name) => [name, { hash: held[name]?.hash, tool: held[name]?.tool }])
      const left = Object.entries(held).filter(([name]) => !names.includes(name))
      write({ server, tools: { ...tools, ...Object.fromEntries(accepted) }, held: Object.fromEntries(left) })
    },
  }
}

/** Beside what else a person has configured, not in the folder that the agent works in. */
export function pinFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.LICTOR_MCP_PINS || join(environment.XDG_CONFIG_HOME || join(homedir(), '.config'), 'lictor', 'mcp')
}

const RUNNERS = ['npx', 'node', 'uvx', 'python', 'python3', 'bunx', 'deno', 'run', 'exec']

/** A name for a server that was given none: of its command, and of all of its arguments, so that another command is another server. */
export function serverName(command: readonly string[]): string {
  const word = command.find((one) => !one.startsWith('-') && !RUNNERS.includes(basename(one))) ?? command[0] ?? 'server'
  const plain = word
    .replaceAll(/[^a-zA-Z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(-40)
  return `${plain || 'server'}-${createHash('sha256').update(command.join('\0')).digest('hex').slice(0, 8)}`
}
