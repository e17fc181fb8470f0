import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { FileCheck2, FilePlus2, Keyboard, Monitor, Moon, Sun } from 'lucide-react'
import type { ReactNode } from 'react'
import { queries } from '../api/queries.ts'
import { Kbd } from '../ui/kbd.tsx'
import { setTheme } from '../ui/theme.ts'
import { PLACES } from './navigation.ts'

const ITEM =
  'flex h-9 cursor-default select-none items-center gap-2.5 rounded-md px-2.5 text-sm data-[selected=true]:bg-hover max-sm:h-11 [&>svg]:size-4 [&>svg]:text-faint'
const GROUP =
  '[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:text-faint'

interface PaletteProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly onHelp: () => void
}

/** Everything reachable by typing a few letters of it. */
export default function Palette({ open, onOpenChange, onHelp }: PaletteProps) {
  const navigate = useNavigate()
  const bundles = useQuery(queries.bundles()).data ?? []
  const go = (run: () => void) => () => {
    onOpenChange(false)
    run()
  }
  return (
    <Command.Dialog
      open={open}
      onOpenChange={onOpenChange}
      label="Go to"
      loop
      overlayClassName="fixed inset-0 z-40 animate-enter bg-[oklch(0.15_0.01_265/0.45)]"
      contentClassName="fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 animate-enter overflow-hidden rounded-xl border bg-surface shadow-float outline-none"
    >
      <Command.Input
        placeholder="Where to, or what to do?"
        className="h-12 w-full border-b bg-transparent px-4 text-lg outline-none"
      />
      <Command.List className="max-h-[min(24rem,60vh)] overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-8 text-center text-muted">Nothing by that name.</Command.Empty>
        <Command.Group heading="Go to" className={GROUP}>
          {PLACES.map(({ to, label, icon: Icon, key }) => (
            <Command.Item key={to} value={label} className={ITEM} onSelect={go(() => void navigate({ to }))}>
              <Icon aria-hidden />
              {label}
              <Kbd keys={`G ${key.toUpperCase()}`} className="ml-auto" />
            </Command.Item>
          ))}
        </Command.Group>
        {bundles.length > 0 && (
          <Command.Group heading="Bundles" className={GROUP}>
            {bundles.map(({ name }) => (
              <Item
                key={name}
                label={name}
                keywords="bundle contracts"
                icon={<FileCheck2 />}
                onSelect={go(() => void navigate({ to: '/contracts/$name', params: { name } }))}
              />
            ))}
          </Command.Group>
        )}
        <Command.Group heading="Do" className={GROUP}>
          <Item
            label="Upload a bundle"
            keywords="new contracts yaml"
            icon={<FilePlus2 />}
            onSelect={go(() => void navigate({ to: '/contracts/new' }))}
          />
          <Item label="Light appearance" keywords="theme" icon={<Sun />} onSelect={go(() => setTheme('light'))} />
          <Item label="Dark appearance" keywords="theme night" icon={<Moon />} onSelect={go(() => setTheme('dark'))} />
          <Item
            label="Appearance as the device"
            keywords="theme system auto"
            icon={<Monitor />}
            onSelect={go(() => setTheme('system'))}
          />
          <Item label="Keyboard shortcuts" keywords="help keys" icon={<Keyboard />} onSelect={go(onHelp)} />
        </Command.Group>
      </Command.List>
    </Command.Dialog>
  )
}

interface ItemProps {
  readonly label: string
  /** Other words one may type for it. */
  readonly keywords: string
  readonly icon: ReactNode
  readonly onSelect: () => void
}

function Item({ label, keywords, icon, onSelect }: ItemProps) {
  return (
    <Command.Item value={`${label} ${keywords}`} className={ITEM} onSelect={onSelect}>
      {icon}
      <span className="truncate">{label}</span>
    </Command.Item>
  )
}
