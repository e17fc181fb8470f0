import type { Command } from 'commander'
import type { Context } from '../../context.ts'
import { checkCommand } from './check.ts'
import { conformanceCommand } from './conformance.ts'
import { convertCommand } from './convert.ts'
import { diffCommand } from './diff.ts'
import { explainCommand } from './explain.ts'
import { lintCommand } from './lint.ts'
import { replayCommand } from './replay.ts'
import { schemaCommand } from './schema.ts'
import { templateCommand } from './templates.ts'
import { testCommand } from './test.ts'
import { validateCommand } from './validate.ts'
import { versionCommand } from './version.ts'

/** The commands over bundle files (edictum-sdk §18). None of them needs a server. */
export function contractCommands(context: Context): Command[] {
  return [
    validateCommand(context),
    lintCommand(context),
    checkCommand(context),
    explainCommand(context),
    testCommand(context),
    diffCommand(context),
    replayCommand(context),
    convertCommand(context),
    templateCommand(context),
    schemaCommand(context),
    conformanceCommand(context),
    versionCommand(context),
  ]
}
