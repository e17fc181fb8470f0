import { textOf } from './setting.ts'

/** Lictor's spelling wins over the one that other servers of this API read. */
const prefixes = ['AEGIS_WEBHOOK_SECRET_', 'LICTOR_WEBHOOK_SECRET_']

/**
 * Secrets of webhooks that stand in the environment, or by `…_FILE` in files.
 * @returns by `<TENANT>_<SOURCE>`, or `<SOURCE>` for every tenant that registered the source
 * @throws StartupError for a file that cannot be read
 */
export function readWebhookSecrets(
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>()
  for (const prefix of prefixes)
    for (const name of Object.keys(environment)) {
      if (!name.startsWith(prefix)) continue
      const variable = name.replace(/_FILE$/, '')
      const secret = textOf({ variable, kind: 'string', fallback: '', meaning: '' }, environment)
      if (secret !== '') secrets.set(variable.slice(prefix.length), secret)
    }
  return secrets
}
