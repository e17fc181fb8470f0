import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colour where the terminal shows it; `NO_COLOR` and pipes get plain text. */
export const style = (format: Style, text: string): string => styleText(format, text, { stream: process.stdout })
