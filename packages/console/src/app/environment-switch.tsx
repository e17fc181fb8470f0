import { ENVIRONMENTS } from '../api/types.ts'
import { cn } from '../ui/cn.ts'
import { useChoice } from './environment.ts'

/** Which environment pages with such a filter begin with; on a page without one it says that it does nothing there. */
export function EnvironmentSwitch({ compact = false }: { compact?: boolean }) {
  const { chosen, takers, choose } = useChoice()
  const isBeside = chosen !== undefined && takers === 0
  return (
    <div className={cn('min-w-0', compact ? 'w-36' : 'mb-3')}>
      <select
        aria-label="Environment of all pages"
        value={chosen ?? ''}
        onChange={({ target }) => choose(ENVIRONMENTS.find((one) => one === target.value))}
        className={cn(
          'h-8 w-full rounded-md border bg-surface px-2 text-muted text-sm hover:border-line-strong hover:text-ink',
          chosen !== undefined && 'border-accent/40 bg-accent-soft text-ink',
        )}
      >
        <option value="">All environments</option>
        {ENVIRONMENTS.map((env) => (
          <option key={env} value={env}>
            {env}
          </option>
        ))}
      </select>
      {isBeside && <p className={cn('text-muted text-2xs', compact ? 'truncate' : 'mt-1 px-2')}>Not for this page</p>}
    </div>
  )
}
