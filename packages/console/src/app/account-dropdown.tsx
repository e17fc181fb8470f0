import { useNavigate } from '@tanstack/react-router'
import { CircleUser, LogOut } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { cn } from '../ui/cn.ts'
import { MENU, MENU_ITEM } from '../ui/menu.tsx'
import { setTheme, THEMES, type Theme, useTheme } from '../ui/theme.ts'
import { AccountButton } from './account.tsx'
import { APPEARANCES } from './appearance.ts'
import { useLogout } from './use-logout.ts'

/** The menu of who is signed in; it opens as soon as it is there. */
export function AccountDropdown() {
  const logout = useLogout()
  const theme = useTheme()
  const navigate = useNavigate()
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>
        <AccountButton />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          side="top"
          align="start"
          sideOffset={6}
          className={cn(MENU, 'w-(--radix-dropdown-menu-trigger-width)')}
        >
          <DropdownMenu.Label className="px-2 pt-1.5 pb-1 text-2xs text-muted">Appearance</DropdownMenu.Label>
          <DropdownMenu.RadioGroup
            aria-label="Appearance"
            value={theme}
            onValueChange={(value) => setTheme(value as Theme)}
          >
            {THEMES.map((one) => {
              const { icon: Icon, label } = APPEARANCES[one]
              return (
                <DropdownMenu.RadioItem
                  key={one}
                  value={one}
                  className={cn(MENU_ITEM, 'data-[state=checked]:bg-accent-soft data-[state=checked]:font-medium')}
                  onSelect={(event) => event.preventDefault()}
                >
                  <Icon aria-hidden />
                  {label}
                </DropdownMenu.RadioItem>
              )
            })}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Item className={MENU_ITEM} onSelect={() => void navigate({ to: '/account' })}>
            <CircleUser aria-hidden />
            Your account
          </DropdownMenu.Item>
          <DropdownMenu.Item className={MENU_ITEM} onSelect={logout}>
            <LogOut aria-hidden />
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
