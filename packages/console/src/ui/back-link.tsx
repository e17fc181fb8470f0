import { createLink } from '@tanstack/react-router'
import { ChevronLeft } from 'lucide-react'
import type { AnchorHTMLAttributes } from 'react'

function Anchor({ children, ...anchor }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  return (
    <a {...anchor} className="inline-flex max-w-full items-center gap-1 text-sm hover:text-ink">
      <ChevronLeft className="size-3.5 shrink-0" aria-hidden />
      <span className="truncate">{children}</span>
    </a>
  )
}

/** Leads to what a page belongs to. A name that is too long for its line is cut. */
export const BackLink = createLink(Anchor)
