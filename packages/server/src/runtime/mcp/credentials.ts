import type { McpServerSettings } from '../../mcp-settings.ts'

/** The value of a secret: the field that is named, else the only one, else `value`. @throws Error that names path and reason */
export type ReadSecretValue = (tenant: string | null, path: string, field: string | null) => Promise<string>

/**
 * The values of credentials: those that were known at the start, and those of the secret store as they are now.
 * @throws Error that names the credential and what is missing, never a value
 */
export async function resolveCredentials(
  credentials: McpServerSettings['credentials'],
  deps: {
    readonly tenant: string | null
    readonly readSecret: ReadSecretValue
  },
): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for (const [name, held] of Object.entries(credentials)) {
    if (held.kind === 'value') {
      values[name] = held.value
      continue
    }
    values[name] = await deps.readSecret(deps.tenant, held.path, held.field).catch((cause: unknown) => {
      throw new Error(`credentials.${name}: ${(cause as Error).message}`, { cause })
    })
  }
  return values
}

/** Whether any of them may change while the server runs. */
export const areFromSecrets = (credentials: McpServerSettings['credentials']): boolean =>
  Object.values(credentials).some(({ kind }) => kind === 'secret')
