import type { FastifyRequest } from 'fastify'
import { BadRequest } from '../errors.ts'
import { routeOf } from './surface.ts'

/** Published versions of the Python package that work with this server; docs/guide.md has the table. */
export const workingSdkVersions = ['0.13.0', '0.15.0', '0.16.0'] as const

const words = new Intl.ListFormat('en', { type: 'disjunction' }).format(workingSdkVersions)

/** What a client of a later line is told, in whatever it shows of an answer. */
export const LATER_LINE = `This server does not serve this version of the Edictum SDK yet. edictum 0.17 and later, and the TypeScript and Go packages that ask for rulesets, speak another line of its interface. Use edictum ${words}, or @lictor/guard.`

/** What clients of the later lines ask for, besides what the runtime API has under the same names. */
const asked = /^\/v1\/(?:rulesets|stream|events|approvals|sessions|skill-scan)(?:\/|$)/

/**
 * The answer to a client of a later line of the SDK, whatever it asks for first; undefined to others. A 404 would be silence to
 * some of them, and a 5xx is asked for again.
 */
export function refusalOfLaterLine(request: FastifyRequest): BadRequest | undefined {
  return asked.test(routeOf(request)) ? new BadRequest(LATER_LINE, 'unsupported_sdk') : undefined
}
