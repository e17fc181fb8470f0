import { Forbidden } from '../errors.ts'
import type { RuntimeCaller } from './visibility.ts'

/** The tenant that the first administrator made: it runs the installation. */
const INSTALLATION = 'default'

/** Whether the caller's tenant runs the installation, by the slug of that tenant. */
export const runsInstallation = (slug: string): boolean => slug === INSTALLATION

/** @throws Forbidden for everybody but administrators of the tenant that runs the installation */
export async function requireInstallation(
  caller: RuntimeCaller,
  slugOf: (tenantId: string) => Promise<string>,
  what: string,
): Promise<void> {
  const isAdmin = caller.kind === 'user' ? caller.isAdmin : caller.role === 'aegis:admin'
  if (!isAdmin) throw new Forbidden('Admin role required', 'Admin role required')
  if (!runsInstallation(await slugOf(caller.tenantId)))
    throw new Forbidden(`${what} by administrators of the installation.`, 'not_the_installation')
}
