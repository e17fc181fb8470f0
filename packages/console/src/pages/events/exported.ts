import type { AuditEvent } from '../../api/types.ts'

export type ExportFormat = 'json' | 'csv' | 'text'

const COLUMNS = ['timestamp', 'verdict', 'mode', 'agent_id', 'tool_name', 'call_id', 'id'] as const
const OF_PAYLOAD = ['environment', 'decision_name', 'reason', 'policy_version'] as const

/** Events as a file: everything as JSON, or what a table shows. */
export function exported(events: readonly AuditEvent[], format: ExportFormat): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(events, null, 2)}\n`
    case 'csv':
      return [[...COLUMNS, ...OF_PAYLOAD, 'tool_args'], ...events.map(cellsOf)]
        .map((cells) => `${cells.map(csvCell).join(',')}\r\n`)
        .join('')
    case 'text':
      return events
        .map((event) => {
          const { timestamp, verdict, agent_id, tool_name, payload } = event
          const words = [timestamp, verdict, agent_id, tool_name, payload?.decision_name, payload?.reason]
          return `${words.filter((word) => typeof word === 'string' && word).join('  ')}\n`.replace(/\n(?=.)/g, ' ')
        })
        .join('')
  }
}

const cellsOf = (event: AuditEvent): readonly unknown[] => [
  ...COLUMNS.map((name) => event[name]),
  ...OF_PAYLOAD.map((name) => event.payload?.[name]),
  event.payload?.tool_args,
]

/** A text that a spreadsheet would take for a formula is marked as text: what stands in it comes from agents. */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const TYPES: Readonly<Record<ExportFormat, { type: string; ending: string; label: string }>> = {
  json: { type: 'application/json', ending: 'json', label: 'JSON' },
  csv: { type: 'text/csv', ending: 'csv', label: 'CSV' },
  text: { type: 'text/plain', ending: 'txt', label: 'Text' },
}
