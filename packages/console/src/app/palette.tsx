import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { Keyboard, LogOut, Monitor, Moon, Sun } from 'lucide-react'
import type { ComponentType } from 'react'
import { Kbd } from '../ui/kbd.tsx'
import { setTheme } from '../ui/theme.ts'
import { match } from './match.ts'
import { usePlaces } from './navigation.tsx'
import { GROUPS } from './page-parts.ts'
import { CloseContext, PALETTE_ITEM, PaletteEntry, PaletteGroup } from './palette-group.tsx'
import { useLogout } from './use-logout.ts'

interface PaletteProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly onHelp: () => void
}

const pages = Object.entries(
  import.meta.glob<{ Commands: ComponentType }>('../pages/*/commands.tsx', { eager: true }),
).map(([path, { Commands }]) => ({ path, Commands }))

/** Everything reachable by typing a few letters of it. */
export default function Palette({ open, onOpenChange, onHelp }: PaletteProps) {
  const navigate = useNavigate()
  const logout = useLogout()
  const { shown: places } = usePlaces()
  const close = () => onOpenChange(false)
  return (
    <Command.Dialog
      open={open}
      onOpenChange={onOpenChange}
      label="Go to"
      loop
      filter={match}
      overlayClassName="fixed inset-0 z-40 animate-enter bg-[oklch(0.15_0.01_265/0.45)]"
      contentClassName="fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 animate-enter overflow-hidden rounded-xl border bg-surface shadow-float outline-none"
    >
      <Command.Input
        placeholder="Where to, or what to do?"
        className="h-12 w-full border-b bg-transparent px-4 text-lg outline-none"
      />
      <Command.List className="max-h-[min(24rem,60vh)] overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-8 text-center text-muted">Nothing by that name.</Command.Empty>
        <CloseContext value={close}>
          <PaletteGroup heading="Go to">
            {places.map(({ to, label, group, icon: Icon, key }) => (
              <Command.Item
                key={to}
                value={label}
                keywords={[GROUPS[group]]}
                className={PALETTE_ITEM}
                onSelect={() => {
                  close()
                  void navigate({ to })
                }}
              >
                <Icon aria-hidden />
                {label}
                {key && <Kbd keys={`G ${key.toUpperCase()}`} className="ml-auto" />}
              </Command.Item>
            ))}
          </PaletteGroup>
          {pages.map(({ path, Commands }) => (
            <Commands key={path} />
          ))}
          <PaletteGroup heading="Console">
            <PaletteEntry label="Light appearance" keywords={['theme']} icon={Sun} onSelect={() => setTheme('light')} />
            <PaletteEntry
              label="Dark appearance"
              keywords={['theme', 'night']}
              icon={Moon}
              onSelect={() => setTheme('dark')}
            />
            <PaletteEntry
              label="Appearance as the device"
              keywords={['theme', 'system auto']}
              icon={Monitor}
              onSelect={() => setTheme('system')}
            />
            <PaletteEntry label="Keyboard shortcuts" keywords={['help', 'keys']} icon={Keyboard} onSelect={onHelp} />
            <PaletteEntry label="Sign out" keywords={['log out', 'leave']} icon={LogOut} onSelect={logout} />
          </PaletteGroup>
        </CloseContext>
      </Command.List>
    </Command.Dialog>
  )
}
