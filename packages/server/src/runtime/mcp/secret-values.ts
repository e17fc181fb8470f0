import { systemScope } from '../../identity/scope.ts'
import type { SecretStore } from '../../ports/secrets.ts'
import { placeOf } from '../secrets/secrets.ts'
import type { ReadSecretValue } from './credentials.ts'
import type { McpTenantStore } from './store.ts'

/** Values of secrets for the servers of this node: the operator, who names them in a file of this machine, may read them. */
export const readSecretValues =
  (deps: { secrets: SecretStore; tenants: McpTenantStore }): ReadSecretValue =>
  async (slug, path, field) => {
    const tenant = await deps.tenants.find(systemScope, slug)
    if (tenant === null)
      throw new Error(slug === null ? 'this server has no tenant yet' : `there is no tenant '${slug}'`)
    const found = await deps.secrets.read(tenant, placeOf(path))
    if (found.state !== 'live')
      throw new Error(`the secret '${path}' ${found.state === 'missing' ? 'does not exist' : `was ${found.state}`}`)
    const names = Object.keys(found.fields)
    const named = field ?? (names.length === 1 ? (names[0] ?? 'value') : 'value')
    const value = found.fields[named]
    if (value === undefined) throw new Error(`the secret '${path}' has no field '${named}'`)
    return value
  }
