import { randomBytes } from 'node:crypto'
import { SEALClient, SEALError } from '@lictor/seal'
import { CliError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { runtimeClient } from './runtime.ts'

/** How long the address of a call that is made from here may be used. */
const CALL_MINUTES = 5

export interface CallOptions {
  /** The security context. */
  readonly context: string
  /** The address of a workload, instead of one that is made for this call alone. */
  readonly gateway?: string
  /** The workload of that address. */
  readonly workload?: string
}

/**
 * Attest a new key, call one tool with it, and forget the key.
 * @throws CliError with the gateway's reason when the call was refused, or the tool failed
 */
export async function callTool(
  connect: () => Promise<Connection>,
  tool: string,
  args: Readonly<Record<string, unknown>>,
  { context, gateway, workload = '' }: CallOptions,
): Promise<unknown> {
  const call = async (address: string, workloadId: string) => {
    using seal = new SEALClient(address, workloadId, context, { allowInsecureHttp: true })
    await seal.attest()
    return seal.callTool(tool, args)
  }
  return told(async () => {
    if (gateway !== undefined) return call(gateway, workload)
    const connection = await connect()
    const client = runtimeClient(connection)
    const workload_id = `lictor-cli-${randomBytes(6).toString('hex')}`
    const expires_at = new Date(Date.now() + CALL_MINUTES * 60_000).toISOString()
    const made = await client.registerSealWorkload({ workload_id, allowed_contexts: [context], expires_at })
    try {
      // The server may know itself by another name than the one it is reached by from here.
      const path = new URL(made.gateway_url).pathname.replace(/^.*(?=\/x\/)/, '')
      return await call(`${connection.url}${path}`, workload_id)
    } finally {
      await client.revokeSealWorkload(workload_id)
    }
  })
}

/** The arguments of a call. @throws CliError when it is no JSON object */
export function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new CliError('invalid_json', 'What was given is no JSON object.', { hint: `For example '{"path": "."}'.` })
}

/** What the gateway refused, in this command's words. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SEALError) throw new CliError(error.reason, error.message)
    throw error
  }
}
