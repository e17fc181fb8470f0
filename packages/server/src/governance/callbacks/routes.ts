import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { failures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import type { DiscordAnswer, DiscordCall } from './discord.ts'
import type { SlackAnswer, SlackCall } from './slack.ts'
import { slackManifest } from './slack-manifest.ts'
import type { TelegramCall } from './telegram.ts'

const tags = { tags: ['notifications'] }
const Empty = Type.String({ maxLength: 0 })
const access = { access: 'webhook', scope: 'tenant', rawBody: true } as const

/** What chat platforms call, each verified by its own signature. */
export function callbackRoutes(
  app: App,
  deps: {
    telegram: (call: TelegramCall) => Promise<number>
    slack: (call: SlackCall) => Promise<SlackAnswer>
    discord: (call: DiscordCall) => Promise<DiscordAnswer>
    /** The server's public address; empty when the request tells it. */
    baseUrl: string
  },
): void {
  const { telegram, slack, discord, baseUrl } = deps

  app.get(
    '/api/v1/slack/manifest',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Manifest to install the Slack app with',
        response: { 200: Type.Any({ description: 'The manifest.' }) },
      },
    },
    async (request) => slackManifest(baseUrl || `${request.protocol}://${request.host}`),
  )

  app.register(async (plain) => {
    const scope = plain as unknown as App
    // Signatures are over the bytes: they are taken as they come.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

    scope.post(
      '/api/v1/telegram/webhook/:channel_id',
      {
        config: access,
        schema: {
          ...tags,
          summary: 'Button presses in Telegram',
          description: 'Verified by `X-Telegram-Bot-Api-Secret-Token`. Answers have no body.',
          params: Type.Object({ channel_id: Type.String() }),
          response: { 200: Empty, 403: Empty, 404: Empty, ...failures(413) },
        },
      },
      async (request, reply) => {
        const status = await telegram({
          channelId: request.params.channel_id.toLowerCase(),
          secret: headerOf(request, 'x-telegram-bot-api-secret-token'),
          body: bytesOf(request).toString('utf8'),
        })
        return reply.code(status as 200).send('')
      },
    )

    scope.post(
      '/api/v1/slack/interactions',
      {
        config: access,
        schema: {
          ...tags,
          summary: 'Button presses in Slack',
          description: 'Verified by `X-Slack-Signature` (HMAC-SHA256), five minutes long.',
          response: { 200: Type.Any({ description: 'What Slack is to show; empty for most.' }), ...failures(403, 413) },
        },
      },
      async (request, reply) => {
        const answer = await slack({
          timestamp: headerOf(request, 'x-slack-request-timestamp'),
          signature: headerOf(request, 'x-slack-signature'),
          body: bytesOf(request),
        })
        return answer ?? reply.code(200).send()
      },
    )

    scope.post(
      '/api/v1/discord/interactions',
      {
        config: access,
        schema: {
          ...tags,
          summary: 'Button presses in Discord',
          description: 'Verified by `X-Signature-Ed25519`.',
          response: { 200: Type.Any({ description: 'What Discord is to show.' }), ...failures(400, 401, 413) },
        },
      },
      (request) =>
        discord({
          timestamp: headerOf(request, 'x-signature-timestamp'),
          signature: headerOf(request, 'x-signature-ed25519'),
          body: bytesOf(request),
        }),
    )
  })
}

const headerOf = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

const bytesOf = ({ body }: { body?: unknown }): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0))
