import { Ellipsis } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { Button } from './button.tsx'
import { cn } from './cn.ts'
import { MENU, MENU_ITEM } from './menu.tsx'

export interface RowAction {
  readonly label: string
  readonly onSelect: () => void
  /** It cannot be undone. */
  readonly grave?: boolean
}

/** What else can be done with one row. Nothing when there is nothing. */
export function RowMenu({ label, actions }: { label: string; actions: readonly RowAction[] }) {
  if (actions.length === 0) return null
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button variant="quiet" size="icon" aria-label={label} className="size-8 max-sm:size-10">
          <Ellipsis aria-hidden />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={4} className={MENU}>
          {actions.map(({ label: words, onSelect, grave = false }) => (
            <DropdownMenu.Item key={words} className={cn(MENU_ITEM, grave && 'text-deny')} onSelect={onSelect}>
              {words}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
