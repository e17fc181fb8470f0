import { CONSOLE_REALM, type IdentityNews, type IdentityTeller } from '../identity/telling.ts'
import { draft, type EventDraft } from './record/events.ts'
import type { TenantEvents } from './record/tenant-events.ts'

/** The realm of service accounts, by the name that clients of AEGIS know. */
const ACCOUNT_REALM = 'aegis-system'

/** Tells operators of a tenant, in its events, who came in and who may. */
export const identityTeller =
  (tenantEvents: Pick<TenantEvents, 'record'>): IdentityTeller =>
  (news, change) =>
    tenantEvents.record(news.tenantId, [eventOf(news)], change)

function eventOf(news: IdentityNews): EventDraft {
  switch (news.kind) {
    case 'authenticated':
      return draft('user_authenticated', {
        sub: news.subject,
        realm_slug: news.realm,
        identity_kind: news.identity,
      })
    case 'refused':
      return draft('token_validation_failed', {
        realm_slug: news.realm,
        reason: news.reason,
        ...(news.realm === CONSOLE_REALM ? {} : { client_id: news.subject }),
      })
    case 'acted_across':
      return draft('admin_cross_tenant_access', { admin_identity: news.by, target_tenant_id: news.tenantId })
    case 'switched':
      return draft('tenant_context_switched', {
        caller_user_id: news.userId,
        from_tenant_id: news.from,
        to_tenant_id: news.tenantId,
        via_header: news.header,
      })
    case 'account_provisioned':
      return draft('service_account_provisioned', {
        client_id: news.clientId,
        realm_slug: ACCOUNT_REALM,
        grant_type: 'client_credentials',
      })
    case 'account_revoked':
      return draft('service_account_revoked', {
        client_id: news.clientId,
        realm_slug: ACCOUNT_REALM,
        reason: news.reason,
      })
  }
}
