import type { Config } from '../config.ts'

const local = ['localhost', '127.0.0.1', '[::1]']

/** What an operator should hear of the settings at the start: none of it stops the server. */
export function startWarnings(
  config: Pick<Config, 'baseUrl' | 'trustedProxies' | 'adminEmail' | 'adminPassword' | 'unknownNames'>,
): string[] {
  const { baseUrl, trustedProxies, adminEmail, adminPassword, unknownNames = [] } = config
  const warnings: string[] = []
  if (baseUrl.startsWith('http://') && !local.includes(new URL(baseUrl).hostname))
    warnings.push(
      `LICTOR_BASE_URL is '${baseUrl}': without https, passwords, cookies and API keys travel in the clear. Put a proxy that speaks TLS in front.`,
    )
  if (baseUrl.startsWith('https://') && trustedProxies.length === 0)
    warnings.push(
      'LICTOR_BASE_URL is https and LICTOR_TRUSTED_PROXIES is empty: everybody shares the address of the proxy, and one login limit. Name the proxy.',
    )
  if ((adminEmail === '') !== (adminPassword === ''))
    warnings.push(
      `${adminEmail === '' ? 'LICTOR_ADMIN_PASSWORD' : 'LICTOR_ADMIN_EMAIL'} is set without ${adminEmail === '' ? 'LICTOR_ADMIN_EMAIL' : 'LICTOR_ADMIN_PASSWORD'}: no administrator is created from the environment. Set both.`,
    )
  for (const name of unknownNames) warnings.push(`There is no setting ${name}: it is ignored.`)
  return warnings
}
