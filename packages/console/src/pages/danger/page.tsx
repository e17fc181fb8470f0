import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { BASE_PATH } from '../../api/base-path.ts'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Field } from '../../ui/field.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { deleteTenant, type Purged, purgeEvents, type Rotated, rotateSealKey, rotateSigningKey } from './queries.ts'

/** What cannot be undone. Each says what it does before it does it, and what it did after. */
export function DangerPage() {
  return (
    <Page title="Danger" lead="What is done here cannot be undone." className="max-w-4xl">
      <div className="flex flex-col gap-4">
        <SigningKey />
        <SealKey />
        <Purge />
        <DeleteTenant />
      </div>
    </Page>
  )
}

interface RiskProps {
  readonly title: string
  readonly children: ReactNode
  readonly action: ReactNode
  /** What came of it. */
  readonly outcome?: ReactNode
}

function Risk({ title, children, action, outcome }: RiskProps) {
  return (
    <Card className="p-4 sm:p-5">
      <div className="flex flex-wrap items-start gap-x-6 gap-y-3">
        <div className="min-w-56 flex-1">
          <h2 className="font-semibold">{title}</h2>
          <div className="mt-1 text-pretty text-muted">{children}</div>
        </div>
        {action}
      </div>
      <div role="status">
        {outcome && <div className="mt-3 rounded-md border bg-sunken px-3 py-2 text-sm">{outcome}</div>}
      </div>
    </Card>
  )
}

function SigningKey() {
  const { ask, dialog } = useConfirmedAct()
  const [rotated, setRotated] = useState<Rotated | null>(null)
  return (
    <Risk
      title="Rotate the signing key"
      action={
        <Button
          variant="deny"
          onClick={() =>
            ask({
              title: 'Rotate the signing key?',
              description:
                'Bundles that are deployed now are signed anew and pushed. Whoever pinned the old public key refuses them until they have the new one.',
              action: 'Rotate key',
              typed: 'rotate',
              run: async () => setRotated(await rotateSigningKey()),
              done: 'The signing key was rotated',
              failed: 'It was not rotated.',
              stale: [['bundles'], ['health-details']],
            })
          }
        >
          Rotate
        </Button>
      }
      outcome={
        rotated && (
          <>
            {rotated.deployments_re_signed} deployed{' '}
            {rotated.deployments_re_signed === 1 ? 'version was' : 'versions were'} signed anew. The new public key:
            <span className="mt-1 flex items-center gap-2">
              <code className="min-w-0 flex-1 select-all break-all font-mono text-xs">{rotated.public_key}</code>
              <CopyButton text={rotated.public_key} what="public key" />
            </span>
          </>
        )
      }
    >
      With it this tenant signs its bundles and the receipts of approvals. The old one is kept only to verify what it
      signed.
      {dialog}
    </Risk>
  )
}

function SealKey() {
  const refusal = useRefusal('operate')
  const { ask, dialog } = useConfirmedAct()
  const [kid, setKid] = useState<string | null>(null)
  return (
    <Risk
      title="Rotate the key of SEAL tokens"
      action={
        !refusal && (
          <Button
            variant="deny"
            onClick={() =>
              ask({
                title: 'Rotate the key of SEAL tokens?',
                description: 'Of the whole installation. Tokens that the old key signed verify for another day.',
                action: 'Rotate key',
                typed: 'rotate',
                run: async () => setKid((await rotateSealKey()).kid),
                done: 'The key of SEAL tokens was rotated',
                failed: 'It was not rotated.',
                stale: [['seal']],
              })
            }
          >
            Rotate
          </Button>
        )
      }
      outcome={
        kid && (
          <>
            Tokens are signed by the key <code className="break-all font-mono text-xs">{kid}</code> from now on.
          </>
        )
      }
    >
      With it the installation signs the tokens of SEAL sessions.
      {refusal && <Withheld why={refusal} className="mt-2" />}
      {dialog}
    </Risk>
  )
}

/** Days; the server takes no fewer than this. */
const LEAST_DAYS = 1

function Purge() {
  const { ask, dialog } = useConfirmedAct()
  const [days, setDays] = useState('90')
  const [purged, setPurged] = useState<Purged | null>(null)
  const isNumber = /^\d{1,5}$/.test(days) && Number(days) >= LEAST_DAYS
  return (
    <Risk
      title="Purge old events"
      action={
        <div className="flex items-start gap-2">
          <Field
            label="Older than days"
            inputMode="numeric"
            value={days}
            onChange={(event) => setDays(event.target.value)}
            className="w-36"
            error={isNumber ? null : 'A whole number from 1.'}
          />
          <Button
            variant="deny"
            className="mt-6.5"
            disabled={!isNumber}
            onClick={() =>
              ask({
                title: `Purge events older than ${days} days?`,
                description:
                  'They are gone from every page, count and export. The audit chain keeps a signed note of which range was taken out.',
                action: 'Purge events',
                typed: 'purge events',
                run: async () => setPurged(await purgeEvents(Number(days))),
                done: 'Old events were purged',
                failed: 'Nothing was purged.',
                stale: [['events'], ['stats'], ['histogram']],
              })
            }
          >
            Purge
          </Button>
        </div>
      }
      outcome={
        purged &&
        `${purged.deleted_count.toLocaleString()} events from before ${new Date(purged.cutoff).toLocaleString()} are gone.`
      }
    >
      By the time they came in, not by the time they happened.
      {dialog}
    </Risk>
  )
}

function DeleteTenant() {
  const refusal = useRefusal('own')
  // Who looks after the installation is in its first tenant.
  const isFirst = useQuery(session.me()).data?.is_operator ?? true
  const tenant = useQuery(session.tenants()).data?.find(({ current }) => current)
  const { ask, dialog } = useConfirmedAct()
  return (
    <Risk
      title="Delete this tenant"
      action={
        !refusal &&
        !isFirst &&
        tenant && (
          <Button
            variant="deny"
            onClick={() =>
              ask({
                title: `Delete ${tenant.name}?`,
                description:
                  'Agents are refused, executions end, and nobody gets in again. Its records stay in the database, out of reach.',
                action: 'Delete tenant',
                typed: tenant.slug,
                run: () => deleteTenant(tenant.slug),
                done: `${tenant.name} was deleted`,
                failed: 'It was not deleted.',
                stale: [['tenants']],
                onDone: () => window.location.assign(`${BASE_PATH}/dashboard/`),
              })
            }
          >
            Delete
          </Button>
        )
      }
    >
      {isFirst
        ? 'This is the first tenant, which looks after the installation: it cannot be deleted.'
        : 'Everything of it stops at once.'}
      {refusal && <Withheld why={refusal} className="mt-2" />}
      {dialog}
    </Risk>
  )
}
