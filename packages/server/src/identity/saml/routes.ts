import Type from 'typebox'
import { BadRequest } from '../../errors.ts'
import { failures, Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { noteOfAct } from '../acts/acts.ts'
import { callerOf } from '../caller.ts'
import { deviceOf } from '../device.ts'
import { type SignInBrowser, safePath } from '../sso/browser.ts'
import { NewMembers, Slug } from '../sso/routes.ts'
import { FIRST_TENANT } from '../store.ts'
import { certificateOf } from './certificates.ts'
import type { SamlPlace, SamlProviderSettings, SamlSignOn } from './saml-sign-on.ts'

const tags = { tags: ['single sign-on'] }
const own = { access: 'dashboard', scope: 'tenant', permission: 'own' } as const
const open = { access: 'public', scope: 'none' } as const
/** An assertion with the groups of somebody who is in hundreds of them; beyond, it is none. */
const LARGEST_ANSWER = 262_144
const LARGEST_METADATA = 200_000
const LARGEST_CERTIFICATES = 50_000

const Certificate = Type.Object({
  subject: Type.String(),
  fingerprint: Type.String(),
  expires_at: Instant,
  is_expired: Type.Boolean(),
})
const Provider = Type.Object({
  entity_id: Type.String(),
  sso_url: Type.String(),
  certificate: Type.String(),
  certificates: Type.Array(Certificate),
  label: Type.String(),
  new_members: Nullable(NewMembers),
})
const Place = { sp_entity_id: Type.String(), acs_url: Type.String(), metadata_url: Type.String() }

const Colony = Type.Object({
  entity_id: Type.String(),
  sso_url: Type.String(),
  certificate: Nullable(Type.String()),
  configured: Type.Boolean(),
  saml: Nullable(Type.Object({ entity_id: Type.String(), sso_url: Type.String(), certificate: Type.String() })),
  ...Place,
})

/** Single sign-on by SAML 2.0: its settings, also as clients of AEGIS know them, and the steps of a browser. */
export function samlRoutes(app: App, deps: { saml: SamlSignOn; browser: SignInBrowser }): void {
  const { saml, browser } = deps
  const shown = (settings: SamlProviderSettings) => ({
    entity_id: settings.entityId,
    sso_url: settings.ssoUrl,
    certificate: settings.certificates.join(''),
    certificates: settings.certificates.map(certificateOf).map(({ subject, fingerprint, validTo }) => ({
      subject,
      fingerprint,
      expires_at: new Date(validTo).toISOString(),
      is_expired: validTo <= app.clock.now(),
    })),
    label: settings.label,
    new_members: settings.newMembers,
  })
  const shownPlace = ({ entityId, acsUrl, metadataUrl }: SamlPlace) => ({
    sp_entity_id: entityId,
    acs_url: acsUrl,
    metadata_url: metadataUrl,
  })

  app.get(
    '/api/v1/sso/saml',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'The SAML provider at which members sign in',
        response: { 200: Type.Object({ provider: Nullable(Provider), ...Place }), ...failures(401, 403) },
      },
    },
    async (request) => {
      const { settings, place } = await saml.settingsOf(callerOf(request))
      return { provider: settings && shown(settings), ...shownPlace(place) }
    },
  )

  app.put(
    '/api/v1/sso/saml',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'Let members sign in at a SAML provider',
        body: Type.Object({
          metadata: Maybe(Type.String({ maxLength: LARGEST_METADATA })),
          entity_id: Maybe(Type.String({ maxLength: 1024 })),
          sso_url: Maybe(Type.String({ maxLength: 2000 })),
          certificate: Maybe(Type.String({ maxLength: LARGEST_CERTIFICATES })),
          label: Maybe(Type.String({ maxLength: 100 })),
          new_members: Maybe(NewMembers),
        }),
        response: { 200: Type.Object({ provider: Provider, ...Place }), ...failures(401, 403, 422) },
      },
    },
    async (request) => {
      const { metadata, entity_id: entityId, sso_url: ssoUrl, certificate, label, new_members } = request.body
      const { settings, place } = await saml.configure(callerOf(request), {
        metadata,
        entityId,
        ssoUrl,
        certificate,
        label: label?.trim() || 'single sign-on',
        newMembers: new_members ?? null,
      })
      noteOfAct(request, noted(settings))
      return { provider: shown(settings), ...shownPlace(place) }
    },
  )

  app.delete(
    '/api/v1/sso/saml',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'End single sign-on by SAML',
        response: { 204: Type.Null(), ...failures(401, 403, 404) },
      },
    },
    async (request, reply) => {
      await saml.remove(callerOf(request))
      return reply.code(204).send(null)
    },
  )

  const colony = { access: 'bearer', scope: 'tenant', permission: 'own' } as const
  const shownColony = (settings: SamlProviderSettings | null, place: SamlPlace) => {
    const provider = settings && {
      entity_id: settings.entityId,
      sso_url: settings.ssoUrl,
      certificate: settings.certificates.join(''),
    }
    return {
      ...(provider ?? { entity_id: '', sso_url: '', certificate: null }),
      configured: provider !== null,
      saml: provider,
      ...shownPlace(place),
    }
  }

  app.get(
    '/v1/colony/saml',
    {
      config: colony,
      schema: {
        tags: ['colony'],
        summary: 'The SAML provider of the tenant',
        response: { 200: Colony, ...runtimeFailures(401, 403) },
      },
    },
    async (request) => {
      const { settings, place } = await saml.settingsOf(callerOf(request))
      return shownColony(settings, place)
    },
  )

  app.put(
    '/v1/colony/saml',
    {
      config: colony,
      schema: {
        tags: ['colony'],
        summary: 'Set the SAML provider of the tenant',
        body: Nullable(
          Type.Object({
            entity_id: Maybe(Type.String({ maxLength: 1024 })),
            sso_url: Maybe(Type.String({ maxLength: 2000 })),
            certificate: Maybe(Type.String({ maxLength: LARGEST_CERTIFICATES })),
          }),
        ),
        response: {
          200: Type.Object({ ...Colony.properties, status: Type.String() }),
          ...runtimeFailures(400, 401, 403, 422),
        },
      },
    },
    async (request) => {
      const { entity_id: entityId, sso_url: ssoUrl, certificate } = request.body ?? {}
      for (const [name, value] of Object.entries({ entity_id: entityId, sso_url: ssoUrl, certificate }))
        if (!value?.trim()) throw new BadRequest(`The body needs ${name}, a text that is not empty.`, 'invalid_body')
      const { settings, place } = await saml.configure(callerOf(request), { entityId, ssoUrl, certificate })
      noteOfAct(request, noted(settings))
      return { ...shownColony(settings, place), status: 'configured' }
    },
  )

  app.get(
    '/api/v1/auth/saml/start',
    {
      config: open,
      schema: {
        ...tags,
        summary: "Send a browser to the tenant's SAML provider",
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
        return browser.sendAway(reply, await saml.begin(tenant, safePath(next), deviceOf(request).address))
      } catch (error) {
        return browser.toLogin(reply, error, tenant)
      }
    },
  )

  app.get(
    '/api/v1/auth/saml/:tenant/metadata',
    {
      config: open,
      schema: {
        ...tags,
        summary: 'What a SAML provider knows this server by',
        produces: ['application/samlmetadata+xml'],
        params: Type.Object({ tenant: Slug }),
        response: { 200: Type.String({ description: 'Metadata of a service provider: XML.' }), ...failures(422) },
      },
    },
    async (request, reply) => {
      reply.type('application/samlmetadata+xml; charset=utf-8').serializer((payload) => String(payload))
      return reply.send(await saml.metadata(request.params.tenant))
    },
  )

  app.register(async (scope) => {
    const forms = scope as App
    forms.removeAllContentTypeParsers()
    forms.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    forms.post(
      '/api/v1/auth/saml/:tenant/acs',
      {
        // The provider's page sends a browser here, and the answer is signed: no header of ours can be on it.
        config: { access: 'webhook', scope: 'tenant', rawBody: true, maxBody: LARGEST_ANSWER },
        schema: {
          ...tags,
          summary: 'Where the SAML provider lets a browser post its answer',
          consumes: ['application/x-www-form-urlencoded'],
          params: Type.Object({ tenant: Slug }),
          response: { 303: Type.Null(), ...failures(413, 422) },
        },
      },
      async (request, reply) => {
        const { tenant } = request.params
        try {
          const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
          const ticket = await saml.answer(tenant, form.get('SAMLResponse') ?? '', deviceOf(request).address)
          // The cookie of the browser that asked comes with the next request: a page of another site let it post this one.
          return reply.redirect(browser.linkTo(`/api/v1/auth/saml/complete?ticket=${ticket}`), 303)
        } catch (error) {
          return browser.toLogin(reply, error, tenant)
        }
      },
    )
  })

  app.get(
    '/api/v1/auth/saml/complete',
    {
      config: open,
      schema: {
        ...tags,
        summary: 'Where a browser gets its session after a SAML answer',
        querystring: Type.Object({ ticket: Type.String({ maxLength: 200 }) }),
        response: { 302: Type.Null(), ...failures(422) },
      },
    },
    async (request, reply) => {
      const token = browser.tokenOf(request, reply)
      try {
        return browser.letIn(reply, await saml.complete(request.query.ticket, token, deviceOf(request)))
      } catch (error) {
        return browser.toLogin(reply, error)
      }
    },
  )
}

const noted = (settings: SamlProviderSettings) => ({
  entity_id: settings.entityId,
  sso_url: settings.ssoUrl,
  certificates: settings.certificates.map((pem) => certificateOf(pem).fingerprint),
  new_members: settings.newMembers,
})
