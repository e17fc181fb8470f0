import { useQuery } from '@tanstack/react-query'
import { ChevronsUpDown, LogOut, Monitor, Moon, Sun } from 'lucide-react'
import { DropdownMenu, ToggleGroup } from 'radix-ui'
import { commands, queries } from '../api/queries.ts'
import { Button } from '../ui/button.tsx'
import { cn } from '../ui/cn.ts'
import { MENU, MENU_ITEM } from '../ui/menu.tsx'
import { messageOf } from '../ui/states.tsx'
import { setTheme, THEMES, type Theme, useTheme } from '../ui/theme.ts'
import { useToasts } from '../ui/toasts.tsx'
import { useSignedOut } from './sign-out.ts'

const ICONS = { system: Monitor, light: Sun, dark: Moon } as const
const LABELS = { system: 'As the device', light: 'Light', dark: 'Dark' } as const

/** Who is signed in, the theme, signing out. `inline` lays it open, for the phone's menu. */
export function AccountMenu({ inline = false }: { inline?: boolean }) {
  const me = useQuery(queries.me()).data
  const logout = useLogout()
  const theme = useTheme()
  if (inline)
    return (
      <div className="flex flex-col gap-4">
        <p className="truncate px-2 text-muted">{me?.email}</p>
        <div className="flex items-center justify-between px-2">
          <span className="text-muted text-sm">Appearance</span>
          <ThemeSwitch />
        </div>
        <Button onClick={logout}>
          <LogOut aria-hidden /> Sign out
        </Button>
      </div>
    )
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <button
          type="button"
          className="flex h-9 items-center gap-2 rounded-md px-2 text-left text-sm transition-colors hover:bg-hover data-[state=open]:bg-hover"
        >
          <span
            aria-hidden
            className="grid size-5 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-2xs text-accent uppercase"
          >
            {me?.email[0] ?? ''}
          </span>
          <span className="min-w-0 flex-1 truncate">{me?.email ?? ' '}</span>
          <ChevronsUpDown className="size-3.5 text-faint" aria-hidden />
        </button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          side="top"
          align="start"
          sideOffset={6}
          className={cn(MENU, 'w-(--radix-dropdown-menu-trigger-width)')}
        >
          <DropdownMenu.Label className="px-2 pt-1.5 pb-1 text-2xs text-faint">Appearance</DropdownMenu.Label>
          <DropdownMenu.RadioGroup
            aria-label="Appearance"
            value={theme}
            onValueChange={(value) => setTheme(value as Theme)}
          >
            {THEMES.map((theme) => {
              const Icon = ICONS[theme]
              return (
                <DropdownMenu.RadioItem
                  key={theme}
                  value={theme}
                  className={cn(MENU_ITEM, 'data-[state=checked]:bg-accent-soft data-[state=checked]:font-medium')}
                  onSelect={(event) => event.preventDefault()}
                >
                  <Icon aria-hidden />
                  {LABELS[theme]}
                </DropdownMenu.RadioItem>
              )
            })}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Item className={MENU_ITEM} onSelect={logout}>
            <LogOut aria-hidden />
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
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
        const Icon = ICONS[theme]
        return (
          <ToggleGroup.Item
            key={theme}
            value={theme}
            aria-label={LABELS[theme]}
            className="grid size-9 place-items-center rounded text-muted data-[state=on]:bg-accent-soft data-[state=on]:text-accent"
          >
            <Icon className="size-4" aria-hidden />
          </ToggleGroup.Item>
        )
      })}
    </ToggleGroup.Root>
  )
}

function useLogout(): () => void {
  const signedOut = useSignedOut()
  const toasts = useToasts()
  return () =>
    void commands.logout().then(
      () => signedOut(false),
      (error: unknown) => toasts.failed('You are still signed in', messageOf(error)),
    )
}
