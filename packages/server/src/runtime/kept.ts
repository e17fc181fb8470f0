import type { Governance } from '../governance/governance.ts'
import type { App } from '../http/server.ts'
import type { RuntimeKeys } from '../identity/runtime-keys/runtime-keys.ts'
import type { Shared } from '../shared.ts'
import { createAccessAudit } from './access-audit.ts'
import { apiKeyRoutes } from './api-keys/routes.ts'
import type { CredentialCaller } from './credentials/credential.ts'
import { type Credentials, createCredentials } from './credentials/credentials.ts'
import { createRenewal } from './credentials/renewal.ts'
import { credentialRoutes } from './credentials/routes.ts'
import { createCredentialStore } from './credentials/store.ts'
import { type CredentialValues, createCredentialValues } from './credentials/values.ts'
import type { Masks } from './masking/masks.ts'
import { createOAuth } from './oauth/oauth.ts'
import { createOAuthProtocol } from './oauth/protocol.ts'
import { oauthRoutes } from './oauth/routes.ts'
import { createOAuthStore } from './oauth/store.ts'
import type { TenantEvents } from './record/tenant-events.ts'
import { createReferences, type References } from './references/references.ts'
import { secretRoutes } from './secrets/routes.ts'
import { createSecrets } from './secrets/secrets.ts'

const SWEEP_MS = 3_600_000

/** What a tenant keeps here for its agents: secrets, and credentials with the providers they come from. */
export interface Kept {
  routes(app: App): void
  /** What manifests name, for the executions that are handed it. */
  readonly references: References
  /** Credentials, for tools that reach something with one. */
  readonly credentials: Pick<CredentialValues, 'valueFor'>
}

export function createKept(
  shared: Shared,
  deps: {
    events: Governance['events']
    tenantEvents: TenantEvents
    /** Names this server. */
    owner: string
    masks: Masks
    runtimeKeys: RuntimeKeys
    /** @throws NotFound */
    requireAgent: (caller: CredentialCaller, id: string) => Promise<void>
  },
): Kept {
  const { database, secretStore, secretBox, clock, random, fetches, workers } = shared
  const audit = createAccessAudit({ events: deps.events, clock, random })
  const secrets = createSecrets({ store: secretStore, audit, events: deps.tenantEvents, clock, owner: deps.owner })

  const oauth = createOAuth({
    store: createOAuthStore(database, secretBox),
    protocol: createOAuthProtocol({ fetch: fetches.guarded, clock }),
    credentials: (): Credentials => credentials,
    clock,
    random,
  })
  const store = createCredentialStore(database)
  const renewal = createRenewal({ database, secretStore, store, provider: oauth.tokens, clock })
  const credentials: Credentials = createCredentials({
    store,
    secretStore,
    renewal,
    audit,
    events: deps.tenantEvents,
    requireAgent: deps.requireAgent,
    clock,
    random,
  })
  const values = createCredentialValues({ store, secretStore, renewal, audit, clock })
  workers.every('oauth_flows', SWEEP_MS, oauth.sweep)

  return {
    credentials: values,
    references: createReferences({
      store: secretStore,
      credentials: values,
      masks: deps.masks,
      audit,
      events: deps.tenantEvents,
      clock,
      owner: deps.owner,
    }),
    routes(app) {
      secretRoutes(app, secrets)
      credentialRoutes(app, credentials)
      oauthRoutes(app, oauth)
      apiKeyRoutes(app, deps.runtimeKeys)
    },
  }
}
