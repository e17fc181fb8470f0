import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useRefusal } from '../../app/permission.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { SkeletonRows } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { ContractForm } from './form.tsx'
import { type LibraryContract, libraryQueries, saveContract } from './queries.ts'
import type { ContractType } from './route.ts'

/** A further version of a contract. Those that were stay as they are. */
export function EditContractPage() {
  const { id } = useParams({ from: '/inside/library/$id/edit' })
  const { version } = useSearch({ from: '/inside/library/$id/edit' })
  const refusal = useRefusal('work')
  const newest = useQuery(libraryQueries.one(id))
  const chosen = useQuery({ ...libraryQueries.version(id, version ?? 0), enabled: version !== undefined })
  const base = version === undefined ? newest : chosen
  const text = useQuery(libraryQueries.text(base.data))
  return (
    <Page
      title={`New version of ${id}`}
      lead={
        <BackLink to="/library/$id" params={{ id }}>
          {id}
        </BackLink>
      }
    >
      {refusal ? (
        <Withheld why={refusal} />
      ) : base.data && newest.data && text.data !== undefined ? (
        <Edit base={base.data} newest={newest.data} text={text.data} />
      ) : (
        <Card>
          {base.isError || newest.isError ? (
            <Loaded query={base.isError ? base : newest}>{() => null}</Loaded>
          ) : (
            <SkeletonRows rows={6} />
          )}
        </Card>
      )}
    </Page>
  )
}

interface EditProps {
  /** What it begins with. */
  readonly base: LibraryContract
  readonly newest: LibraryContract
  readonly text: string
}

function Edit({ base, newest, text }: EditProps) {
  const navigate = useNavigate({ from: '/library/$id/edit' })
  const toasts = useToasts()
  const [begun] = useState(newest.version)
  const [initial] = useState({
    id: base.contract_id,
    name: base.name,
    description: base.description ?? '',
    type: base.type as ContractType,
    tags: base.tags.join(', '),
    text,
  })
  return (
    <ContractForm
      name={`${base.contract_id} ${base.version}`}
      initial={initial}
      isKept
      action="Save version"
      onSave={async ({ id, type: _type, ...contract }) => {
        const saved = await saveContract(id, contract)
        const taken = saved.redeployed.filter(({ problem }) => problem === null)
        const failed = saved.redeployed.find(({ problem }) => problem !== null)
        toasts.done(
          `${saved.name} v${saved.version} saved`,
          failed?.problem
            ? `${failed.composition_name} stayed as it was: ${failed.problem}`
            : (saved.warnings[0]?.message ??
                (taken.length > 0
                  ? `${plural(taken.length, 'composition')} took it up: ${taken.map((one) => one.composition_name).join(', ')}.`
                  : undefined)),
        )
        void navigate({ to: '/library/$id', params: { id } })
      }}
      note={
        newest.version > begun && (
          <p role="status" className="text-ask text-sm">
            Version {newest.version} was saved by {newest.created_by} meanwhile. Saving makes a version on top of it.
          </p>
        )
      }
    />
  )
}
