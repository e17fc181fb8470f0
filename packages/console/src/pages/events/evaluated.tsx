import { CircleSlash, Eye, Minus } from 'lucide-react'
import { Json } from '../../ui/json.tsx'
import { visible } from '../../ui/visible.ts'

interface EvaluatedContract {
  readonly name: string
  readonly type: string
  readonly passed: boolean
  readonly observed: boolean
  readonly message: string | null
}

/** The contracts that were asked about a call: which fired, which let it pass. What is no such list is shown as it came. */
export function Evaluated({ value }: { value: unknown }) {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return null
  const records = recordsOf(value)
  return (
    <section>
      <h3 className="mb-1.5 font-medium text-sm">Contracts evaluated</h3>
      {records === null ? (
        <Json value={value} what="contracts evaluated" />
      ) : (
        <ul className="divide-y rounded-md border bg-sunken">
          {records.map((record) => (
            <Row key={`${record.type} ${record.name}`} record={record} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Row({ record }: { record: EvaluatedContract }) {
  const fired = !record.passed
  return (
    <li className="flex items-start gap-2 px-3 py-1.5 text-sm [&_svg]:mt-0.5 [&_svg]:size-3.5 [&_svg]:shrink-0">
      {!fired ? (
        <Minus className="text-faint" aria-label="did not fire" />
      ) : record.observed ? (
        <Eye className="text-observe" aria-label="fired, only observed" />
      ) : (
        <CircleSlash className="text-deny" aria-label="fired" />
      )}
      <span className="min-w-0">
        <span className={fired ? 'break-words' : 'break-words text-muted'}>{visible(record.name)}</span>
        <span className="ml-2 text-faint text-xs">{visible(record.type)}</span>
        {fired && record.message && (
          <span className="block break-words text-muted text-xs">{visible(record.message)}</span>
        )}
      </span>
    </li>
  )
}

function recordsOf(value: unknown): readonly EvaluatedContract[] | null {
  if (!Array.isArray(value)) return null
  const records: EvaluatedContract[] = []
  for (const item of value as unknown[]) {
    if (typeof item !== 'object' || item === null) return null
    const { name, type, passed, observed, message } = item as { [field: string]: unknown }
    if (typeof name !== 'string' || typeof passed !== 'boolean') return null
    records.push({
      name,
      type: typeof type === 'string' ? type : '',
      passed,
      observed: observed === true,
      message: typeof message === 'string' ? message : null,
    })
  }
  return records
}
