import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Blocks, Plus } from 'lucide-react'
import { useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { type CompositionSummary, compositionQueries, createComposition } from './queries.ts'
import type { CompositionsSearch } from './route.ts'

/** What bundles are made of: contracts of the library, in an order. */
export function CompositionsPage() {
  const search = useSearch({ from: '/inside/compositions' })
  const navigate = useNavigate({ from: '/compositions' })
  const compositions = useQuery(compositionQueries.all())
  const refusal = useRefusal('work')
  const set = (change: CompositionsSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  useListKeys(null, 'Compositions')
  useShortcuts(
    refusal ? [] : [{ keys: 'n', label: 'Make one', group: 'Compositions', run: () => set({ create: true }, true) }],
  )
  const make = (
    <Button variant="primary" onClick={() => set({ create: true }, true)}>
      <Plus aria-hidden /> Make a composition
    </Button>
  )
  return (
    <Page
      title="Compositions"
      lead="Contracts of the library, put together in an order. Deploying one makes a version of the bundle of its name."
      actions={!refusal && make}
    >
      {refusal && <Withheld why={`Making and changing: ${refusal}`} className="mb-3" />}
      <Card className="overflow-hidden">
        <CardHeading aside={<FilterField label="Filter by name" value={search.q} onChange={(q) => set({ q }, true)} />}>
          All
        </CardHeading>
        <Loaded query={compositions}>
          {(list) => {
            const shown = list.filter(({ name }) => !search.q || name.toLowerCase().includes(search.q.toLowerCase()))
            if (list.length === 0)
              return (
                <Empty icon={Blocks} title="No composition yet" {...(refusal ? {} : { action: make })}>
                  Put contracts of the library together, or import a bundle there: that makes one of its contracts.
                </Empty>
              )
            return shown.length === 0 ? (
              <Empty icon={Blocks} title="No name matches" className="py-10" />
            ) : (
              <ul aria-label="Compositions" className="divide-y">
                {shown.map((one) => (
                  <Row key={one.name} composition={one} />
                ))}
              </ul>
            )
          }}
        </Loaded>
      </Card>
      {!refusal && (
        <Create open={search.create === true} onOpenChange={(open) => set({ create: open ? true : undefined }, true)} />
      )}
    </Page>
  )
}

function Row({ composition }: { composition: CompositionSummary }) {
  return (
    <li data-row>
      <Link
        to="/compositions/$name"
        params={{ name: composition.name }}
        className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1.4fr)_7rem_8rem_6rem]"
      >
        <span className="min-w-0">
          <span className="block truncate font-medium">{composition.name}</span>
          {composition.description && (
            <span className="block truncate text-muted text-xs">{composition.description}</span>
          )}
        </span>
        <span className="tabular text-muted text-sm">{plural(composition.contract_count, 'contract')}</span>
        <span className="text-muted text-xs">{composition.defaults_mode}</span>
        <span className="text-right text-muted text-xs">
          <When at={composition.updated_at} />
        </span>
      </Link>
    </li>
  )
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/

function Create({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const creating = useMutation({
    mutationFn: async () => {
      if (!NAME.test(name))
        throw new Error('A name is small letters, digits, dots, - and _, and begins with a letter or digit.')
      return createComposition(name)
    },
    onSuccess: (made) => {
      setName('')
      void navigate({ to: '/compositions/$name', params: { name: made.name } })
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['compositions'] }),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) creating.reset()
        onOpenChange(next)
      }}
      title="Make a composition"
      description="Its name is that of the bundle it makes; which contracts it has comes next."
      action="Make"
      busy={creating.isPending}
      error={creating.error}
      onSubmit={() => creating.mutate()}
    >
      <Field
        label="Name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        placeholder="devops-agent"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
      />
    </FormDialog>
  )
}
