import type { Config } from '../../config.ts'
import { StartupError } from '../../errors.ts'
import type { Fetch } from '../../ports/fetch.ts'
import type { OpenBaoOptions } from './openbao.ts'
import type { OpenBaoLogin } from './openbao-session.ts'

type OpenBaoConfig = Pick<
  Config,
  | 'openbaoAddress'
  | 'openbaoToken'
  | 'openbaoRoleId'
  | 'openbaoSecretId'
  | 'openbaoNamespace'
  | 'openbaoMount'
  | 'openbaoPrefix'
>

/** The settings as the adapter takes them; null where secrets stay in the database. @throws StartupError naming the setting. */
export function openBaoOptions(config: OpenBaoConfig, fetch: Fetch): OpenBaoOptions | null {
  const address = config.openbaoAddress
  if (address === '') return null
  if (!/^https?:\/\/[^/\\?#]/i.test(address) || !URL.canParse(address))
    throw wrong(`LICTOR_OPENBAO_ADDRESS is '${address}'; it takes an address such as https://bao.example.com:8200.`)
  const path = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/
  if (!path.test(config.openbaoMount))
    throw wrong(`LICTOR_OPENBAO_MOUNT is '${config.openbaoMount}'; it takes the path of a KV engine, such as secret.`)
  if (config.openbaoPrefix !== '' && !path.test(config.openbaoPrefix))
    throw wrong(`LICTOR_OPENBAO_PREFIX is '${config.openbaoPrefix}'; it takes a path such as lictor, or nothing.`)
  return {
    address,
    fetch,
    namespace: config.openbaoNamespace,
    mount: config.openbaoMount,
    prefix: config.openbaoPrefix,
    login: loginOf(config),
  }
}

function loginOf({
  openbaoToken: token,
  openbaoRoleId: roleId,
  openbaoSecretId: secretId,
}: OpenBaoConfig): OpenBaoLogin {
  const hasRole = roleId !== '' || secretId !== ''
  if (token !== '' && hasRole)
    throw wrong('LICTOR_OPENBAO_TOKEN and LICTOR_OPENBAO_ROLE_ID are both set; OpenBao takes one of them.')
  if (token !== '') return { kind: 'token', token }
  if (roleId !== '' && secretId !== '') return { kind: 'approle', roleId, secretId }
  throw wrong(
    hasRole
      ? 'An AppRole needs both LICTOR_OPENBAO_ROLE_ID and LICTOR_OPENBAO_SECRET_ID.'
      : 'LICTOR_OPENBAO_ADDRESS needs LICTOR_OPENBAO_TOKEN, or LICTOR_OPENBAO_ROLE_ID with LICTOR_OPENBAO_SECRET_ID.',
  )
}

const wrong = (message: string) => new StartupError('setting', message)
