import { StartupError } from '../../errors.ts'
import type { RegistryLogin } from './docker-images.ts'

/**
 * What `LICTOR_REGISTRY_LOGINS` says: who pulls images from which registry.
 * @throws StartupError when it is no such JSON; the message holds nothing of it
 */
export function readRegistryLogins(text: string): Readonly<Record<string, RegistryLogin>> {
  if (text === '') return {}
  const refuse = (what: string) =>
    new StartupError(
      'setting',
      `LICTOR_REGISTRY_LOGINS ${what}; it takes JSON such as {"ghcr.io/acme": {"username": "bot", "password": "…"}}.`,
    )
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refuse('is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('is no object')
  for (const [registry, login] of Object.entries(value)) {
    const { username, password } = (login ?? {}) as Partial<RegistryLogin>
    if (typeof username !== 'string' || typeof password !== 'string')
      throw refuse(`has no username and password for '${registry}'`)
  }
  return value as Readonly<Record<string, RegistryLogin>>
}
