import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { LogOut } from 'lucide-react'
import { ToggleGroup } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { Sheet } from '../ui/dialog.tsx'
import { setTheme, THEMES, type Theme, useTheme } from '../ui/theme.ts'
import { APPEARANCES } from './appearance.ts'
import { session } from './session.ts'
import { useLogout } from './use-logout.ts'

export interface MenuSheetProps {
  readonly onOpenChange: (open: boolean) => void
  /** Links to all places. */
  readonly children: ReactNode
}

/** The phone's menu: every page, who is signed in, the theme, signing out. */
export function MenuSheet({ onOpenChange, children }: MenuSheetProps) {
  const me = useQuery(session.me()).data
  const logout = useLogout()
  return (
    <Sheet open onOpenChange={onOpenChange} title="Menu">
      <nav aria-label="All pages" className="-mx-2 flex flex-col gap-0.5">
        {children}
      </nav>
      <div className="mt-4 flex flex-col gap-4 border-t pt-4">
        <Link
          to="/account"
          onClick={() => onOpenChange(false)}
          className="flex min-h-11 flex-col justify-center rounded-md px-2 hover:bg-hover"
        >
          Your account
          <span className="truncate text-muted text-sm">{me?.email}</span>
        </Link>
        <div className="flex items-center justify-between px-2">
          <span className="text-muted text-sm">Appearance</span>
          <ThemeSwitch />
        </div>
        <Button onClick={logout}>
          <LogOut aria-hidden /> Sign out
        </Button>
      </div>
    </Sheet>
  )
}

function ThemeSwitch() {
  return (
    <ToggleGroup.Root
      type="single"
      value={useTheme()}
      onValueChange={(value) => value && setTheme(value as Theme)}
      aria-label="Appearance"
      className="flex rounded-md border p-0.5"
    >
      {THEMES.map((theme) => {
        const { icon: Icon, label } = APPEARANCES[theme]
        return (
          <ToggleGroup.Item
            key={theme}
            value={theme}
            aria-label={label}
            className="grid size-9 place-items-center rounded text-muted data-[state=on]:bg-accent-soft data-[state=on]:text-accent"
          >
            <Icon className="size-4" aria-hidden />
          </ToggleGroup.Item>
        )
      })}
    </ToggleGroup.Root>
  )
}
