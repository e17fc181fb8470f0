import { createRoute } from '@tanstack/react-router'
import { LibraryBig } from 'lucide-react'
import { inside } from '../../app/inside.ts'
import type { PageParts } from '../../app/page-parts.ts'
import { scalar } from '../../app/search.ts'
import { lazily } from '../../ui/lazy.tsx'

export type ContractType = 'pre' | 'post' | 'session' | 'sandbox'
const TYPES: readonly ContractType[] = ['pre', 'post', 'session', 'sandbox']
const typeIn = (value: unknown) => TYPES.find((one) => one === value)

export interface LibrarySearch {
  readonly q?: string | undefined
  readonly type?: ContractType | undefined
  readonly tag?: string | undefined
  /** The dialog that takes a bundle apart is open. */
  readonly import?: true | undefined
}

const library = createRoute({
  getParentRoute: () => inside,
  path: '/library',
  validateSearch: (search: Record<string, unknown>): LibrarySearch => {
    const [q, type, tag] = [scalar(search.q), typeIn(search.type), scalar(search.tag)]
    return {
      ...(q ? { q } : {}),
      ...(type ? { type } : {}),
      ...(tag ? { tag } : {}),
      ...(search.import ? { import: true } : {}),
    }
  },
  component: lazily(() => import('./page.tsx').then((page) => page.LibraryPage)),
})

const newContract = createRoute({
  getParentRoute: () => inside,
  path: '/library/new',
  /** `from`: the contract that it begins as a copy of; `type`: what it is to be. */
  validateSearch: (search: Record<string, unknown>): { from?: string; type?: ContractType } => {
    const [from, type] = [scalar(search.from), typeIn(search.type)]
    return { ...(from ? { from } : {}), ...(type ? { type } : {}) }
  },
  component: lazily(() => import('./create.tsx').then((page) => page.NewContractPage)),
})

const libraryContract = createRoute({
  getParentRoute: () => inside,
  path: '/library/$id',
  validateSearch: (search: Record<string, unknown>): { version?: number } =>
    Number.isInteger(search.version) ? { version: search.version as number } : {},
  component: lazily(() => import('./detail.tsx').then((page) => page.LibraryContractPage)),
})

const editContract = createRoute({
  getParentRoute: () => inside,
  path: '/library/$id/edit',
  /** `version`: the one that it begins with; absent: the newest. */
  validateSearch: (search: Record<string, unknown>): { version?: number } =>
    Number.isInteger(search.version) ? { version: search.version as number } : {},
  component: lazily(() => import('./edit.tsx').then((page) => page.EditContractPage)),
})

export const parts: PageParts = {
  inside: { library, newContract, libraryContract, editContract },
  place: { to: '/library', label: 'Library', icon: LibraryBig, group: 'govern', order: 1.1, key: 'r' },
  refreshes: { library: ['contract_created', 'contract_updated', 'composition_changed'] },
}

declare module '../../app/page-parts.ts' {
  interface InsideRoutes {
    library: typeof library
    newContract: typeof newContract
    libraryContract: typeof libraryContract
    editContract: typeof editContract
  }
}
