import { type ClassValue, clsx } from 'clsx'
import { extendTailwindMerge } from 'tailwind-merge'

const merge = extendTailwindMerge({ extend: { theme: { text: ['2xs'] } } })

/** Joins class names; a later one overrides an earlier of the same kind. */
export const cn = (...classes: ClassValue[]): string => merge(clsx(classes))
