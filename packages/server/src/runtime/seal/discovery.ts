import { scopeOfRecord } from '../../identity/scope.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import { patternAllows, type SealSession } from '../seal-sessions/session.ts'
import type { Catalogue } from '../tools/catalogue.ts'
import { contextOffers } from '../tools/judge-by-context.ts'
import { schemaOf, type Tool } from '../tools/tool.ts'
import { refusal } from './refusal.ts'

export interface ListedTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: object
  /** The same, for clients that read it in this spelling. */
  readonly input_schema: object
}

/** Which tools there are. */
export interface Discovery {
  /**
   * All of them, or those that a context could allow.
   * @param tenantId whose contexts are known beside the built-in ones; null for nobody's
   * @throws SealRefused for a context that is not there
   */
  list(contextName: string | null, tenantId: string | null): Promise<ListedTool[]>
  /** Those that a session could call. */
  ofSession(session: Pick<SealSession, 'securityContext' | 'allowedToolPatterns'>): ListedTool[]
}

export function createDiscovery(deps: {
  catalogue: Pick<Catalogue, 'list'>
  contexts: Pick<SecurityContexts, 'find'>
}): Discovery {
  const { catalogue, contexts } = deps

  const offered = (context: SecurityContext): Tool[] =>
    catalogue.list().filter(({ name, aliases }) => [name, ...aliases].some((one) => contextOffers(context, one)))

  return {
    async list(contextName, tenantId) {
      if (contextName === null) return catalogue.list().map(listed)
      // Nobody's tenant has no contexts of its own: only the built-in ones are found.
      const context = await contexts.find(scopeOfRecord({ tenantId: tenantId ?? '' }), contextName)
      if (!context) throw refusal('context_not_found', `security context '${contextName}' does not exist`)
      return offered(context).map(listed)
    },
    ofSession: ({ securityContext, allowedToolPatterns }) =>
      offered(securityContext)
        .filter(({ name, aliases }) =>
          [name, ...aliases].some((one) => allowedToolPatterns.some((pattern) => patternAllows(pattern, one))),
        )
        .map(listed),
  }
}

function listed(tool: Tool): ListedTool {
  const schema = schemaOf(tool)
  return { name: tool.name, description: tool.description, inputSchema: schema, input_schema: schema }
}
