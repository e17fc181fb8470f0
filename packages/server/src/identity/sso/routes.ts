import Type from 'typebox'
import { failures, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { noteOfAct } from '../acts/acts.ts'
import { userOf } from '../caller.ts'
import { deviceOf } from '../device.ts'
import { FIRST_TENANT } from '../store.ts'
import { type SignInBrowser, safePath } from './browser.ts'
import { CALLBACK_PATH, type OidcSignOn, type ProviderSettings } from './oidc-sign-on.ts'

const tags = { tags: ['single sign-on'] }
const own = { access: 'dashboard', scope: 'tenant', permission: 'own' } as const
export const Slug = Type.String({ minLength: 1, maxLength: 63 })
export const NewMembers = Type.Enum(['viewer', 'member'])
const Provider = Type.Object({
  issuer: Type.String(),
  client_id: Type.String(),
  label: Type.String(),
  new_members: Nullable(NewMembers),
  redirect_uri: Type.String(),
})

const Offer = Type.Object({ label: Type.String(), start: Type.String() })

/** Single sign-on by OpenID Connect, and what the login page offers of every kind. */
export function ssoRoutes(
  app: App,
  deps: {
    oidc: OidcSignOn
    offeredBySaml: (slug: string) => Promise<{ readonly label: string } | null>
    browser: SignInBrowser
    linkTo: (path: string) => string
  },
): void {
  const { oidc, offeredBySaml, browser, linkTo } = deps
  const shown = (settings: ProviderSettings) => ({
    issuer: settings.issuer,
    client_id: settings.clientId,
    label: settings.label,
    new_members: settings.newMembers,
    redirect_uri: linkTo(CALLBACK_PATH),
  })

  app.get(
    '/api/v1/sso/oidc',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'The provider at which members sign in',
        response: {
          200: Type.Object({ provider: Nullable(Provider), redirect_uri: Type.String() }),
          ...failures(401, 403),
        },
      },
    },
    async (request) => {
      const settings = await oidc.settingsOf(userOf(request))
      return { provider: settings && shown(settings), redirect_uri: linkTo(CALLBACK_PATH) }
    },
  )

  app.put(
    '/api/v1/sso/oidc',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'Let members sign in at an OpenID Connect provider',
        body: Type.Object({
          issuer: Type.String({ minLength: 1, maxLength: 1000 }),
          client_id: Type.String({ minLength: 1, maxLength: 500 }),
          client_secret: Maybe(Type.String({ maxLength: 2000 })),
          label: Maybe(Type.String({ maxLength: 100 })),
          new_members: Maybe(NewMembers),
        }),
        response: { 200: Provider, ...failures(401, 403, 422) },
      },
    },
    async (request) => {
      const { issuer, client_id: clientId, client_secret: clientSecret, label, new_members: newMembers } = request.body
      noteOfAct(request, { issuer, client_id: clientId })
      const settings = await oidc.configure(userOf(request), {
        issuer,
        clientId,
        clientSecret: clientSecret || null,
        label: label?.trim() || 'single sign-on',
        newMembers: newMembers ?? null,
      })
      return shown(settings)
    },
  )

  app.delete(
    '/api/v1/sso/oidc',
    {
      config: own,
      schema: { ...tags, summary: 'End single sign-on', response: { 204: Type.Null(), ...failures(401, 403, 404) } },
    },
    async (request, reply) => {
      await oidc.remove(userOf(request))
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/v1/auth/sso',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'How the members of a tenant may sign in',
        querystring: Type.Object({ tenant: Type.Optional(Slug) }),
        response: {
          200: Type.Object({ oidc: Nullable(Offer), saml: Nullable(Offer) }),
          ...failures(422),
        },
      },
    },
    async (request) => {
      const { tenant = FIRST_TENANT } = request.query
      const [byOidc, bySaml] = await Promise.all([oidc.offered(tenant), offeredBySaml(tenant)])
      const shownOffer = (kind: 'oidc' | 'saml', offered: { readonly label: string } | null) =>
        offered && {
          label: offered.label,
          start: linkTo(`/api/v1/auth/${kind}/start?tenant=${encodeURIComponent(tenant)}`),
        }
      return { oidc: shownOffer('oidc', byOidc), saml: shownOffer('saml', bySaml) }
    },
  )

  app.get(
    '/api/v1/auth/oidc/start',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: "Send a browser to the tenant's provider",
        querystring: Type.Object({
          tenant: Type.Optional(Slug),
          next: Type.Optional(Type.String({ maxLength: 1000 })),
        }),
        response: { 302: Type.Null(), ...failures(422) },
      },
    },
    async (request, reply) => {
      const { tenant = FIRST_TENANT, next } = request.query
      try {
        return browser.sendAway(reply, await oidc.begin(tenant, safePath(next), deviceOf(request).address))
      } catch (error) {
        return browser.toLogin(reply, error)
      }
    },
  )

  app.get(
    CALLBACK_PATH,
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Where the provider sends a browser back to',
        querystring: Type.Record(Type.String(), Type.Unknown()),
        response: { 302: Type.Null() },
      },
    },
    async (request, reply) => {
      const token = browser.tokenOf(request, reply)
      const answer = new URLSearchParams(request.url.split('?')[1] ?? '')
      try {
        return browser.letIn(reply, await oidc.complete(answer, token, deviceOf(request)))
      } catch (error) {
        return browser.toLogin(reply, error)
      }
    },
  )
}
