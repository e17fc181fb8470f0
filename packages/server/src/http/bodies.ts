import type { FastifyInstance } from 'fastify'
import { InvalidInput } from '../errors.ts'
import { jsonFaultAt } from './json-fault.ts'

/**
 * Bodies are JSON. None at all, an empty one and one of another kind are no body: routes that take none do not mind, because
 * clients announce JSON also where they send nothing, and the others refuse it once the caller is known.
 */
export function registerBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined))
  parseJson(app, 'error')
}

/** How JSON is read in this scope: with `prototypes: 'error'` a document whose keys name a prototype is none. */
export function parseJson(scope: FastifyInstance, prototypes: 'error' | 'ignore'): void {
  const parse = scope.getDefaultJsonParser(prototypes, prototypes)
  scope.removeContentTypeParser('application/json')
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    if (text === '') return done(null, undefined)
    parse(request, text, (error, value) => {
      if (error === null) done(null, value)
      else done(new InvalidInput([{ loc: ['body', jsonFaultAt(text)], msg: 'JSON decode error' }], 'malformed_json'))
    })
  })
}
