import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { InsufficientScope, NotFound, Unauthenticated } from '../../errors.ts'
import { runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { actorOf, type TokenCaller } from '../../identity/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import { Accepted, keyOf, LARGEST_STIMULUS, sendAccepted } from './routes.ts'
import { isSigned, type Presented, signerOf } from './signatures.ts'
import { type SignatureForm, sourceName } from './source.ts'
import type { Sources } from './sources.ts'
import type { Stimuli } from './stimuli.ts'
import { contentOf, keptHeaders } from './stimulus.ts'

const mediaType = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;\s*[\w-]+=([\w.:-]+|"[^"]*")\s*)*$/
const NEEDED = 'stimulus:ingest'

/** Webhooks: bodies are bytes, because what is signed is what was sent. */
export function webhookRoutes(
  app: App,
  deps: {
    stimuli: Stimuli
    sources: Sources
    /** @throws Unauthenticated */
    verifyToken: (token: string) => Promise<TokenCaller>
    clock: Clock
  },
): void {
  const { stimuli, sources, verifyToken, clock } = deps

  /** Whose webhook it is, and how it is known: by its signature, else by its bearer. */
  async function senderOf(request: FastifyRequest, source: string, presented: Presented): Promise<Sender> {
    if (isSigned(presented)) {
      const candidates = await sources.candidates(source)
      if (candidates.length === 0) throw unregistered(source)
      const { tenantId, signature } = signerOf(presented, candidates, clock.now())
      return { tenantId, receivedFrom: `webhook:${source}`, signature }
    }
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined)
      throw new Unauthenticated(
        'The webhook has neither a signature (X-Aegis-Signature: sha256= and the HMAC-SHA256 of the body in hex) nor a bearer.',
        'missing_signature',
      )
    const caller = await verifyToken(token)
    if (!caller.scopes.has(NEEDED)) throw new InsufficientScope(NEEDED)
    if (!(await stimuli.isRouted(caller, source))) throw unregistered(source)
    return { tenantId: caller.tenantId, receivedFrom: actorOf(caller), signature: null }
  }

  app.register(async (inner) => {
    const scope = inner as App
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    // What is no media type is refused before anybody looks at the bytes, which are all that counts here.
    scope.addHook('onRequest', async ({ raw: { headers } }) => {
      const type = headers['content-type']
      if (type !== undefined && !mediaType.test(type)) headers['content-type'] = 'application/octet-stream'
    })
    scope.post(
      '/v1/webhooks/:source',
      {
        config: { access: 'webhook', scope: 'tenant', rawBody: true, maxBody: LARGEST_STIMULUS },
        schema: {
          tags: ['stimuli'],
          summary: 'What another system tells of itself, signed',
          params: Type.Object({ source: Type.String() }),
          response: { 202: Accepted, ...runtimeFailures(400, 401, 403, 404, 409, 413, 422, 429) },
        },
      },
      async (request, reply) => {
        const source = sourceName(request.params.source, 'path')
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const { headers } = request
        const presented = {
          aegis: headers['x-aegis-signature'] ?? headers['x-hub-signature-256'],
          stripe: headers['stripe-signature'],
          body,
        }
        const { tenantId, receivedFrom, signature } = await senderOf(request, source, presented)
        const content = contentOf(body)
        const stimulus = await stimuli.receive({
          ...content,
          tenantId,
          source,
          receivedFrom,
          headers: keptHeaders(headers),
          idempotencyKey: keyOf(headers) ?? (signature === 'stripe' ? eventKeyOf(content.content) : null),
        })
        return sendAccepted(reply, stimulus)
      },
    )
  })
}

interface Sender {
  readonly tenantId: string
  readonly receivedFrom: string
  /** Null: it came with a bearer. */
  readonly signature: SignatureForm | null
}

const unregistered = (source: string): NotFound =>
  new NotFound(`Nobody registered a source '${source}'.`, 'unregistered_webhook_source')

/** What tells two events of Stripe apart: their ids; of what has none, all of it. */
function eventKeyOf(content: string): string {
  try {
    const { id } = JSON.parse(content) as { id?: unknown }
    if (typeof id === 'string' && /^[\x21-\x7e]{1,255}$/.test(id)) return id
  } catch {
    // It is no JSON.
  }
  return hash('sha256', content, 'hex')
}
