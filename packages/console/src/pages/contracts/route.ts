import { createRoute } from '@tanstack/react-router'
import { FileCheck2 } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

const contracts = createRoute({
  getParentRoute: () => inside,
  path: '/contracts',
  validateSearch: (search: Record<string, unknown>): { tab?: 'deployments' } =>
    search.tab === 'deployments' ? { tab: 'deployments' } : {},
  component: lazily(() => import('./page.tsx').then((page) => page.ContractsPage)),
})

const versionIn = (search: Record<string, unknown>): { version?: number } =>
  Number.isInteger(search.version) ? { version: search.version as number } : {}

const upload = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/new',
  validateSearch: (search: Record<string, unknown>): { from?: string; version?: number } => {
    const from = scalar(search.from)
    return { ...(from ? { from } : {}), ...versionIn(search) }
  },
  component: lazily(() => import('./upload.tsx').then((page) => page.UploadPage)),
})

const bundle = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/$name',
  validateSearch: versionIn,
  component: lazily(() => import('./bundle.tsx').then((page) => page.BundlePage)),
})

export const parts: PageParts = {
  inside: { contracts, upload, bundle },
  place: { to: '/contracts', label: 'Contracts', icon: FileCheck2, group: 'govern', order: 1, key: 'c' },
  refreshes: {
    bundles: ['bundle_uploaded', 'bundle_deployed', 'composition_changed', 'signing_key_rotated'],
    deployments: ['bundle_deployed'],
  },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    contracts: typeof contracts
    upload: typeof upload
    bundle: typeof bundle
  }
}
