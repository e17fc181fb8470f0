import type { FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '../../errors.ts'
import type { Welcomed } from './sign-ins.ts'

const SIGN_IN_COOKIE = 'lictor_sign_in'

/** What the routes of every kind of provider do with a browser. */
export interface SignInBrowser {
  /** A path of this server as browsers reach it, behind whichever proxy. */
  readonly linkTo: (path: string) => string
  /** Send it away; it keeps what tells it from all others. */
  sendAway(reply: FastifyReply, to: { readonly url: string; readonly browserToken: string }): FastifyReply
  /** What it kept, which it forgets. */
  tokenOf(request: FastifyRequest, reply: FastifyReply): string | undefined
  /** Into the console, signed in. */
  letIn(reply: FastifyReply, welcomed: Welcomed): FastifyReply
  /**
   * A person looks at this in a browser: the login page says what is wrong, where they can try again.
   * @throws what is no refusal
   */
  toLogin(reply: FastifyReply, error: unknown, tenant?: string): FastifyReply
}

export function createSignInBrowser(deps: {
  linkTo: (path: string) => string
  setSession: (reply: FastifyReply, token: string) => void
  cookie: { readonly path: string; readonly secure: boolean }
}): SignInBrowser {
  const { linkTo, setSession } = deps
  const signInCookie = { httpOnly: true, sameSite: 'lax', path: deps.cookie.path, secure: deps.cookie.secure } as const
  return {
    linkTo,
    sendAway(reply, { url, browserToken }) {
      reply.setCookie(SIGN_IN_COOKIE, browserToken, { ...signInCookie, maxAge: 600 })
      return reply.redirect(url, 302)
    },
    tokenOf(request, reply) {
      reply.setCookie(SIGN_IN_COOKIE, '', { ...signInCookie, maxAge: 0 })
      return request.cookies[SIGN_IN_COOKIE]
    },
    letIn(reply, { session, returnTo }) {
      setSession(reply, session)
      return reply.redirect(linkTo(`/dashboard${returnTo}`), 302)
    },
    toLogin(reply, error, tenant) {
      if (!(error instanceof DomainError)) throw error
      const query = new URLSearchParams({ ...(tenant === undefined ? {} : { tenant }), problem: error.message })
      // Also after a post: the login page is asked for.
      return reply.redirect(linkTo(`/dashboard/login?${query}`), reply.request.method === 'POST' ? 303 : 302)
    },
  }
}

/** Where a browser goes on after it came back: a path of this console, and nothing else. */
export const safePath = (text: string | undefined): string =>
  text !== undefined && /^\/(?![/\\])[^\\\p{C}]{0,500}$/u.test(text) ? text : '/'
