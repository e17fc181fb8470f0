import { fileURLToPath } from 'node:url'

export type BootstrapLanguage = 'node' | 'python'

/** Absolute path of the program that runs git for the tools over repositories. It needs Node 18, and no package. */
export const gitScriptPath: string = fileURLToPath(new URL('../../../bootstrap/git.mjs', import.meta.url))

/** Absolute path of the program that runs the command of a workflow's state. It needs Node 18, and no package. */
export const commandScriptPath: string = fileURLToPath(new URL('../../../bootstrap/command.mjs', import.meta.url))

const files = { node: 'bootstrap.mjs', python: 'bootstrap.py' } as const

/**
 * Absolute path of the default bootstrap script for a language. The scripts lie beside `src` and `dist`, so that the
 * path is right from both. `node` needs Node 18, `python` needs Python 3.8; neither needs a package.
 */
export function bootstrapPath(language: BootstrapLanguage): string {
  return fileURLToPath(new URL(`../../../bootstrap/${files[language]}`, import.meta.url))
}
