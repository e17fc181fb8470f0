import type { App } from '../http/server.ts'

/**
 * Register routes whose JSON holds what an agent's tools were called with. Such a document may carry any key, also `__proto__`: it is
 * kept and handed back, never merged into an object, and refusing it would let an agent keep its calls out of the audit log.
 * An empty body is no body, because clients announce JSON also where they send none (console-api §12.2).
 */
export function withAgentJson(app: App, routes: (scope: App) => void): void {
  app.register(async (scope) => {
    const parse = scope.getDefaultJsonParser('ignore', 'ignore')
    scope.removeContentTypeParser('application/json')
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body === '') done(null, undefined)
      else parse(request, body as string, done)
    })
    routes(scope as unknown as App)
  })
}
