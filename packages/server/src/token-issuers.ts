import { StartupError } from './errors.ts'
import { slugForm } from './slug.ts'

const SYSTEM_REALM = 'aegis-system'
export const CONSUMER_REALM = 'zaru-consumer'
const TENANT_REALM = 'tenant-'

/** The short name of the tenant whose realm this is; null for another realm. */
export function tenantOfRealm(realm: string): string | null {
  const slug = realm.slice(TENANT_REALM.length)
  return realm.startsWith(TENANT_REALM) && slugForm.test(slug) ? slug : null
}

/** The realms by their issuers. @throws StartupError for what is no issuer, or of no realm that tokens can be of */
export function realmsOf(listed: readonly string[]): ReadonlyMap<string, string> {
  const realms = new Map<string, string>()
  for (const text of listed) {
    const [, named, issuer = ''] = /^(?:([a-z0-9-]+)=)?(.*)$/.exec(text) ?? []
    const realm = named ?? /\/realms\/([^/]+)$/.exec(issuer)?.[1] ?? ''
    const wrong = (takes: string) =>
      new StartupError('setting', `LICTOR_TOKEN_ISSUERS names '${text}'; it takes ${takes}.`)
    if (!/^https?:\/\/[^/\\?#]/i.test(issuer) || !URL.canParse(issuer) || /[?#]/.test(issuer))
      throw wrong('addresses of issuers, such as https://id.example.com/realms/aegis-system')
    if (realm !== SYSTEM_REALM && realm !== CONSUMER_REALM && tenantOfRealm(realm) === null)
      throw wrong(
        `issuers of the realms ${SYSTEM_REALM}, ${CONSUMER_REALM} and tenant-<slug>; name the realm of another issuer before it, as in ${SYSTEM_REALM}=https://id.example.com`,
      )
    if (realms.has(issuer)) throw wrong('each issuer once')
    realms.set(issuer, realm)
  }
  return realms
}
