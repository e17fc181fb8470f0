import { Forbidden } from '../errors.ts'
import type { TenantStatus } from './store.ts'

/** Everything of a suspended tenant stops, whoever asks and however. @throws Forbidden `tenant_suspended` */
export function requireActive(status: TenantStatus): void {
  if (status !== 'active')
    throw new Forbidden('This tenant is suspended. Ask who runs this installation to resume it.', 'tenant_suspended')
}
