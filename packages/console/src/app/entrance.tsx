import type { ReactNode } from 'react'
import { Mark } from './mark.tsx'

/** The frame of the pages before the login. */
export function Entrance({ title, lead, children }: { title: string; lead: ReactNode; children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center px-4 pt-[14vh] pb-10">
      <div className="w-full max-w-88">
        <Mark className="mb-6 size-9" />
        <h1 className="font-semibold text-2xl tracking-tight">{title}</h1>
        <p className="mt-1.5 mb-7 text-pretty text-muted">{lead}</p>
        {children}
      </div>
    </main>
  )
}
