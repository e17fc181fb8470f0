import { Command } from 'cmdk'
import type { LucideIcon } from 'lucide-react'
import { createContext, type ReactNode, use } from 'react'

/** Closes the palette. */
export const CloseContext = createContext<() => void>(() => {})

export const PALETTE_ITEM =
  'flex h-9 cursor-default select-none items-center gap-2.5 rounded-md px-2.5 text-sm data-[selected=true]:bg-hover max-sm:h-11 [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-faint'

/**
 * Entries of the palette under one heading. A page gives its own as the component `Commands` of
 * `pages/<page>/commands.tsx`; the palette collects them.
 */
export function PaletteGroup({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:text-faint"
    >
      {children}
    </Command.Group>
  )
}

interface PaletteEntryProps {
  readonly label: string
  /** Other words one may type for it; the first tells it from an entry of the same label. */
  readonly keywords: readonly [string, ...string[]]
  readonly icon: LucideIcon
  readonly onSelect: () => void
}

export function PaletteEntry({ label, keywords, icon: Icon, onSelect }: PaletteEntryProps) {
  const close = use(CloseContext)
  return (
    <Command.Item
      value={`${label} · ${keywords[0]}`}
      keywords={[...keywords]}
      className={PALETTE_ITEM}
      onSelect={() => {
        close()
        onSelect()
      }}
    >
      <Icon aria-hidden />
      <span className="truncate">{label}</span>
    </Command.Item>
  )
}
