import { parseJson } from '../http/bodies.ts'
import type { App } from '../http/server.ts'

/**
 * Register routes whose JSON holds what an agent's tools were called with. Such a document may carry any key, also `__proto__`: it is
 * kept and handed back, never merged into an object, and refusing it would let an agent keep its calls out of the audit log.
 */
export function withAgentJson(app: App, routes: (scope: App) => void): void {
  app.register(async (scope) => {
    parseJson(scope, 'ignore')
    routes(scope as unknown as App)
  })
}
