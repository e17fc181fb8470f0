import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRefusal } from '../../app/permission.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Failure, SkeletonRows } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { BEGINNINGS } from './beginnings.ts'
import { ContractForm } from './form.tsx'
import { createContract, libraryQueries } from './queries.ts'
import type { ContractType } from './route.ts'

/** A new contract of the library, from an example or from another one. */
export function NewContractPage() {
  const { from, type = 'pre' } = useSearch({ from: '/inside/library/new' })
  const navigate = useNavigate({ from: '/library/new' })
  const toasts = useToasts()
  const refusal = useRefusal('work')
  const base = useQuery({ ...libraryQueries.one(from ?? ''), enabled: from !== undefined })
  const text = useQuery(libraryQueries.text(base.data))
  const form = (initial: Parameters<typeof ContractForm>[0]['initial']) => (
    <ContractForm
      key={from ?? ''}
      name={from ? `copy of ${from}` : 'new'}
      initial={initial}
      isKept={false}
      action="Save"
      onSave={async ({ id, ...contract }) => {
        const saved = await createContract({ contract_id: id, ...contract })
        toasts.done(`${saved.name} is in the library`, saved.warnings[0]?.message)
        void navigate({ to: '/library/$id', params: { id } })
      }}
    />
  )
  return (
    <Page title={from ? `Copy of ${from}` : 'Write a contract'} lead={<BackLink to="/library">Library</BackLink>}>
      {refusal ? (
        <Withheld why={refusal} />
      ) : from === undefined ? (
        form({ id: '', name: '', description: '', type, tags: '', text: BEGINNINGS[type] })
      ) : base.data && text.data !== undefined ? (
        form({
          id: `${from}-copy`,
          name: `${base.data.name} (copy)`,
          description: base.data.description ?? '',
          type: base.data.type as ContractType,
          tags: base.data.tags.join(', '),
          text: text.data,
        })
      ) : (
        <Card>
          {base.isError ? <Failure error={base.error} retry={() => void base.refetch()} /> : <SkeletonRows rows={6} />}
        </Card>
      )}
    </Page>
  )
}
