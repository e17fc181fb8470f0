import { bundleJsonSchema } from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'

/** `lictor schema`: the JSON Schema of bundles, for editors. It is JSON whatever form was asked for. */
export function schemaCommand({ terminal }: Context): Command {
  return new Command('schema')
    .description('print the JSON Schema of bundles, for editors')
    .action(() => terminal.print(JSON.stringify(bundleJsonSchema, null, 2)))
}
