import { Monitor, Moon, Sun } from 'lucide-react'

export const APPEARANCES = {
  system: { label: 'As the device', icon: Monitor },
  light: { label: 'Light', icon: Sun },
  dark: { label: 'Dark', icon: Moon },
} as const
