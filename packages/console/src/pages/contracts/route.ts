import { createRoute } from '@tanstack/react-router'
import { FileCheck2 } from 'lucide-react'
import { ENVIRONMENTS, type Environment } from '../../api/types.ts'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar, text } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

interface DeploySearch {
  readonly version?: number
  /** None is chosen beforehand. */
  readonly env?: Environment
  /** Which recorded calls are judged again: a length of time back from now. */
  readonly since?: string
  readonly view?: 'text'
}

interface UploadSearch {
  /** The version one begins with. */
  readonly from?: string
  readonly version?: number
  /** Begin with a contract for this tool, or made of this event. */
  readonly tool?: string
  readonly event?: string
}

interface CompareSearch {
  readonly from?: number
  readonly to?: number
  readonly view?: 'text'
}

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
  validateSearch: (search: Record<string, unknown>): UploadSearch => {
    const [from, tool, event] = [scalar(search.from), scalar(search.tool), text(search.event)]
    return {
      ...(from ? { from } : {}),
      ...versionIn(search),
      ...(tool ? { tool } : {}),
      ...(event ? { event } : {}),
    }
  },
  component: lazily(() => import('./upload.tsx').then((page) => page.UploadPage)),
})

const bundle = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/$name',
  validateSearch: versionIn,
  component: lazily(() => import('./bundle.tsx').then((page) => page.BundlePage)),
})

const deploy = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/$name/deploy',
  validateSearch: (search: Record<string, unknown>): DeploySearch => {
    const env = ENVIRONMENTS.find((one) => one === search.env)
    const since = text(search.since)
    return {
      ...versionIn(search),
      ...(env ? { env } : {}),
      ...(since ? { since } : {}),
      ...(search.view === 'text' ? { view: 'text' } : {}),
    }
  },
  component: lazily(() => import('./deploy.tsx').then((page) => page.DeployPage)),
})

const compare = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/$name/compare',
  validateSearch: (search: Record<string, unknown>): CompareSearch => ({
    ...(Number.isInteger(search.from) ? { from: search.from as number } : {}),
    ...(Number.isInteger(search.to) ? { to: search.to as number } : {}),
    ...(search.view === 'text' ? { view: 'text' } : {}),
  }),
  component: lazily(() => import('./compare.tsx').then((page) => page.ComparePage)),
})

const rollout = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/$name/deployments/$id',
  component: lazily(() => import('./rollout.tsx').then((page) => page.RolloutPage)),
})

export const parts: PageParts = {
  inside: { contracts, upload, bundle, deploy, compare, rollout },
  place: { to: '/contracts', label: 'Contracts', icon: FileCheck2, group: 'govern', order: 1, key: 'c' },
  refreshes: {
    bundles: ['bundle_uploaded', 'bundle_deployed', 'composition_changed', 'signing_key_rotated'],
    deployments: ['bundle_deployed'],
    rollout: ['bundle_deployed', 'event_created'],
  },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    contracts: typeof contracts
    upload: typeof upload
    bundle: typeof bundle
    deploy: typeof deploy
    compare: typeof compare
    rollout: typeof rollout
  }
}
