import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { EdictumConfigError, sha256Hex } from '@lictor/contracts'
import { convertDocument, type DocumentKind } from '@lictor/contracts/authoring'
import { Command, Option } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { present } from '../../terminal/terminal.ts'
import { loadSource } from './source.ts'

/**
 * `lictor convert FILE --to KIND`: the bundle in the other vocabulary, comments and order kept. To standard output, or back
 * into the file. The bytes change, and with them the hash: a deployed bundle becomes a new version.
 */
export function convertCommand({ terminal, settings }: Context): Command {
  const command = new Command('convert')
    .description('write a bundle in the other vocabulary')
    .argument('<file>', 'bundle.yaml')
    .addOption(
      new Option('--to <kind>', 'the vocabulary to write').choices(['ContractBundle', 'Ruleset']).makeOptionMandatory(),
    )
    .option('--write', 'change the file instead of printing')
  return command.action((file: string, options: { to: DocumentKind; write?: boolean }) => {
    const source = loadSource(terminal, file)
    const text = convert(file, new TextDecoder('utf-8', { ignoreBOM: true }).decode(source.bytes), options.to)
    if (options.write) writeFileSync(resolve(terminal.workingDirectory, file), text)
    const answer = {
      file,
      from: source.bundle.document.kind,
      to: options.to,
      written: options.write === true,
      hash: sha256Hex(text),
      ...(options.write ? {} : { text }),
    }
    present(terminal, settings(command).output, answer, () =>
      options.write ? `${file} is a ${options.to} now.` : text.replace(/\n$/, ''),
    )
  })
}

function convert(file: string, text: string, to: DocumentKind): string {
  try {
    return convertDocument(text, to)
  } catch (cause) {
    if (!(cause instanceof EdictumConfigError)) throw cause
    throw new CliError(cause.code, `${file}: ${cause.message}`, { cause })
  }
}
