import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { DomainError } from '../../errors.ts'
import { failures, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { noteOfAct } from '../acts/acts.ts'
import { userOf } from '../caller.ts'
import { deviceOf } from '../device.ts'
import { FIRST_TENANT } from '../store.ts'
import { CALLBACK_PATH, type ProviderSettings, type SingleSignOn } from './sso.ts'

const tags = { tags: ['single sign-on'] }
const SIGN_IN_COOKIE = 'lictor_sign_in'
const own = { access: 'dashboard', scope: 'tenant', permission: 'own' } as const
const Slug = Type.String({ maxLength: 63 })
const NewMembers = Type.Enum(['viewer', 'member'])
const Provider = Type.Object({
  issuer: Type.String(),
  client_id: Type.String(),
  label: Type.String(),
  new_members: Nullable(NewMembers),
  redirect_uri: Type.String(),
})

/** Where a browser goes on after it came back: a path of this console, and nothing else. */
const safePath = (text: string | undefined): string =>
  text !== undefined && /^\/(?![/\\])[^\\\p{C}]{0,500}$/u.test(text) ? text : '/'

/** Single sign-on by OpenID Connect. */
export function ssoRoutes(
  app: App,
  deps: {
    sso: SingleSignOn
    linkTo: (path: string) => string
    setSession: (reply: FastifyReply, token: string) => void
    cookie: { readonly path: string; readonly secure: boolean }
  },
): void {
  const { sso, linkTo, setSession } = deps
  const signInCookie = { httpOnly: true, sameSite: 'lax', path: deps.cookie.path, secure: deps.cookie.secure } as const
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
      const settings = await sso.settingsOf(userOf(request))
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
      const settings = await sso.configure(userOf(request), {
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
      await sso.remove(userOf(request))
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
          200: Type.Object({ oidc: Nullable(Type.Object({ label: Type.String(), start: Type.String() })) }),
          ...failures(422),
        },
      },
    },
    async (request) => {
      const { tenant = FIRST_TENANT } = request.query
      const offered = await sso.offered(tenant)
      return {
        oidc: offered && {
          label: offered.label,
          start: linkTo(`/api/v1/auth/oidc/start?tenant=${encodeURIComponent(tenant)}`),
        },
      }
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
        const { url, browserToken } = await sso.begin(tenant, safePath(next), deviceOf(request).address)
        reply.setCookie(SIGN_IN_COOKIE, browserToken, { ...signInCookie, maxAge: 600 })
        return reply.redirect(url, 302)
      } catch (error) {
        return toLogin(reply, error)
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
      const token = request.cookies[SIGN_IN_COOKIE]
      reply.setCookie(SIGN_IN_COOKIE, '', { ...signInCookie, maxAge: 0 })
      const answer = new URLSearchParams(request.url.split('?')[1] ?? '')
      try {
        const { session, returnTo } = await sso.complete(answer, token, deviceOf(request))
        setSession(reply, session)
        return reply.redirect(linkTo(`/dashboard${returnTo}`), 302)
      } catch (error) {
        return toLogin(reply, error)
      }
    },
  )

  /** A person looks at this in a browser: the login page says what is wrong, where they can try again. */
  function toLogin(reply: FastifyReply, error: unknown): FastifyReply {
    if (!(error instanceof DomainError)) throw error
    return reply.redirect(linkTo(`/dashboard/login?problem=${encodeURIComponent(error.message)}`), 302)
  }
}
