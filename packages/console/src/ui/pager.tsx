import { ChevronLeft, ChevronRight } from 'lucide-react'
import { Button } from './button.tsx'

interface PagerProps {
  /** From 1. */
  readonly page: number
  readonly hasMore: boolean
  readonly onPage: (page: number) => void
}

/** One page on, one back; nothing where all fits on one. */
export function Pager({ page, hasMore, onPage }: PagerProps) {
  if (page === 1 && !hasMore) return null
  return (
    <nav aria-label="Pages" className="mt-3 flex items-center justify-end gap-2 text-muted text-sm">
      <Button size="icon" aria-label="Previous page" disabled={page === 1} onClick={() => onPage(page - 1)}>
        <ChevronLeft aria-hidden />
      </Button>
      <span className="tabular">Page {page}</span>
      <Button size="icon" aria-label="Next page" disabled={!hasMore} onClick={() => onPage(page + 1)}>
        <ChevronRight aria-hidden />
      </Button>
    </nav>
  )
}
