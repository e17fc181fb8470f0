import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Sparkles } from 'lucide-react'
import { useState } from 'react'
import { useRefusal } from '../../app/permission.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Chart } from '../../ui/chart.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Field } from '../../ui/field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { useAtNow } from '../../ui/ticker.ts'
import { useToasts } from '../../ui/toasts.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import {
  aiQueries,
  DAYS,
  forgetSettings,
  PROVIDERS,
  type Settings,
  saveSettings,
  testSettings,
  type Usage,
} from './queries.ts'

/** Which model helps to write contracts, and what that took. */
export function AiPage() {
  const settings = useQuery(aiQueries.settings())
  const usage = useQuery(aiQueries.usage())
  const refusal = useRefusal('administer')
  return (
    <Page
      title="AI"
      lead="The model that helps to write contracts. It decides nothing: contracts do."
      className="max-w-4xl"
    >
      <div className="flex flex-col gap-4">
        <Card className="overflow-hidden">
          <CardHeading
            aside={
              settings.data?.configured ? <Badge tone="allow">configured</Badge> : settings.data && <Badge>off</Badge>
            }
          >
            Provider
          </CardHeading>
          <Loaded query={settings}>
            {(present) =>
              refusal ? (
                <>
                  <Facts
                    facts={[
                      ['Provider', present.provider || 'none'],
                      ['Model', present.model ?? 'the provider’s usual one'],
                    ]}
                  />
                  <Withheld why={refusal} className="border-t px-4 py-3" />
                </>
              ) : (
                <Change key={String(present.configured)} present={present} />
              )
            }
          </Loaded>
        </Card>
        <Card className="overflow-hidden">
          <CardHeading>Usage of {DAYS} days</CardHeading>
          <Loaded query={usage}>{(used) => <Used usage={used} />}</Loaded>
        </Card>
      </div>
    </Page>
  )
}

function Change({ present }: { present: Settings }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const [provider, setProvider] = useState(
    PROVIDERS.find(({ value }) => value === present.provider)?.value ?? 'anthropic',
  )
  const [key, setKey] = useState('')
  const [model, setModel] = useState(present.model ?? '')
  const [address, setAddress] = useState(present.base_url ?? '')
  const saving = useMutation({
    mutationFn: saveSettings,
    gcTime: 0,
    onSuccess: () => {
      setKey('')
      toasts.done('Saved', 'The next question goes there.')
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['ai'] }),
  })
  const testing = useMutation({ mutationFn: testSettings })
  return (
    <form
      noValidate
      className="grid gap-x-4 p-4 sm:grid-cols-2"
      onSubmit={(event) => {
        event.preventDefault()
        testing.reset()
        if (!saving.isPending)
          saving.mutate({
            provider,
            api_key: key || null,
            model: model.trim() || null,
            base_url: address.trim() || null,
          })
      }}
    >
      <SelectField label="Provider" value={provider} options={PROVIDERS} onChange={setProvider} />
      <Field
        label="Key"
        type="password"
        value={key}
        onChange={(event) => setKey(event.target.value)}
        autoComplete="off"
        placeholder={present.api_key_masked}
        hint={
          provider === 'ollama' ? 'None is needed.' : present.api_key_masked ? 'Empty: the one there is stays.' : ''
        }
      />
      <Field
        label="Model"
        value={model}
        onChange={(event) => setModel(event.target.value)}
        autoComplete="off"
        spellCheck={false}
        hint="Empty: the provider’s usual one."
      />
      <Field
        label="Address"
        type="url"
        value={address}
        onChange={(event) => setAddress(event.target.value)}
        autoComplete="off"
        spellCheck={false}
        hint="Empty: the provider’s own."
      />
      <p role="alert" className="min-h-5 whitespace-pre-line break-words text-deny text-sm sm:col-span-2">
        {saving.error && messageOf(saving.error)}
      </p>
      <div className="flex flex-wrap items-center gap-2 sm:col-span-2">
        <Button type="submit" variant="primary" busy={saving.isPending}>
          Save
        </Button>
        {present.configured && (
          <>
            <Button busy={testing.isPending} onClick={() => testing.mutate()}>
              Test
            </Button>
            <Button
              variant="deny"
              onClick={() =>
                ask({
                  title: 'Switch the assistant off?',
                  description: 'Its key is forgotten. Contracts work as before.',
                  action: 'Switch off',
                  run: forgetSettings,
                  done: 'The assistant is off',
                  failed: 'It is still on.',
                  stale: [['ai']],
                })
              }
            >
              Switch off
            </Button>
          </>
        )}
        <span role="status" className="min-w-0 break-words text-sm">
          {testing.isError && <span className="text-deny">{messageOf(testing.error)}</span>}
          {testing.data?.ok === true && (
            <span className="text-allow">
              {testing.data.model} answered in {testing.data.latency_ms?.toLocaleString()} ms.
            </span>
          )}
          {testing.data?.ok === false && <span className="text-deny">{testing.data.error}</span>}
        </span>
      </div>
      {dialog}
    </form>
  )
}

const DAY = 86_400_000
const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)

function Used({ usage }: { usage: Usage }) {
  const today = useAtNow((now) => Math.floor(now / DAY) * DAY)
  if (usage.query_count === 0) return <Empty icon={Sparkles} title={`Nothing was asked in ${DAYS} days`} />
  const found = new Map(usage.daily.map((day) => [day.date, day]))
  const times = Array.from({ length: DAYS }, (_, at) => today - (DAYS - 1 - at) * DAY)
  const money = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD', maximumFractionDigits: 4 })
  const grouped = new Intl.NumberFormat()
  return (
    <div className="p-4">
      <Facts
        className="mb-3 px-0 py-0"
        facts={[
          ['Questions', grouped.format(usage.query_count)],
          ['Tokens in', grouped.format(usage.total_input_tokens)],
          ['Tokens out', grouped.format(usage.total_output_tokens)],
          ['Cost', usage.total_cost_usd === null ? 'not known for this model' : money.format(usage.total_cost_usd)],
          ['Speed', `${usage.avg_tokens_per_second.toLocaleString()} tokens a second`],
        ]}
      />
      <Chart
        label={`Tokens by day: ${grouped.format(usage.total_input_tokens)} in, ${grouped.format(usage.total_output_tokens)} out.`}
        times={times}
        bars
        series={[
          {
            label: 'tokens in and out',
            colour: '--chart-observe',
            values: times.map((time) => {
              const day = found.get(dayOf(time))
              return day ? day.input_tokens + day.output_tokens : 0
            }),
          },
          {
            label: 'tokens out',
            colour: '--chart-ask',
            values: times.map((time) => found.get(dayOf(time))?.output_tokens ?? 0),
          },
        ]}
      />
    </div>
  )
}
