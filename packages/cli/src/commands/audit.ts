import { createReadStream, createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BrokenChain, type Verified, verifyAuditExport } from '@lictor/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present } from '../terminal/terminal.ts'

/** `lictor audit …`: the audit log as evidence. */
export function auditCommand({ terminal, settings, connect }: Context): Command {
  const audit = new Command('audit').description('take the audit log out with its proof, and judge such a file')

  const take = audit
    .command('export')
    .description('write every event with its digest, the chain and the signatures over it, as JSON lines')
    .argument('<file>', 'a file that does not exist yet')
  take.action(async (file: string) => {
    const answer = await (await connect(take)).open('/api/v1/events/export')
    if (!answer.body) throw new CliError('empty_answer', 'The server answered nothing.')
    const body = Readable.fromWeb(answer.body as never)
    await pipeline(body, toNewFile(resolve(terminal.workingDirectory, file), file))
    present(terminal, settings(take).output, { file }, () => [
      `Wrote the audit log to ${file}.`,
      `Anybody can judge it without the server: lictor audit verify ${file}`,
    ])
  })

  const verify = audit
    .command('verify')
    .description('prove that nothing of an export was changed, dropped or put elsewhere; needs no server')
    .argument('<file>', 'made by `lictor audit export`')
    .option('-k, --key <hex...>', 'public keys that may have signed; without them, those that the file names')
  verify.action(async (file: string, options: { key?: string[] }) => {
    const trusted = (options.key ?? []).map((key) => key.toLowerCase())
    const verified = await judged(file, resolve(terminal.workingDirectory, file), trusted)
    present(terminal, settings(verify).output, wireOf(verified), () => told(verified, trusted.length > 0))
  })
  return audit
}

function toNewFile(path: string, shown: string): Writable {
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  stream.prependOnceListener('error', (cause: NodeJS.ErrnoException) => {
    stream.destroy(new CliError('not_written', `${shown} cannot be written: ${cause.message}.`, { cause }))
  })
  return stream
}

async function judged(shown: string, path: string, trusted: readonly string[]): Promise<Verified> {
  try {
    return await verifyAuditExport(createReadStream(path), trusted)
  } catch (error) {
    if (error instanceof BrokenChain)
      throw new CliError('broken_chain', `${shown} is not what was recorded. ${error.message}`, { cause: error })
    if (typeof (error as NodeJS.ErrnoException).code === 'string')
      throw new CliError('not_read', `${shown} cannot be read: ${(error as Error).message}.`, { cause: error })
    throw error
  }
}

const wireOf = (verified: Verified) => ({
  verified: true,
  events: verified.events,
  unchained_events: verified.unchained,
  links: verified.links,
  checkpoints: verified.checkpoints,
  signed_until: verified.signedUntil,
  unsigned_events: verified.unsigned,
  public_keys: verified.publicKeys,
  purged: verified.purged,
})

function told(verified: Verified, isTrusted: boolean): string[] {
  const { events, links, checkpoints, signedUntil, unsigned, unchained, publicKeys, purged } = verified
  return [
    `Nothing was changed, dropped or put elsewhere: ${events} events in ${links} links, ${checkpoints} signatures.`,
    signedUntil === null
      ? 'Nothing of it is signed: whoever could write the whole file could have made it.'
      : `Signed until ${signedUntil}; ${unsigned} events after that are chained and not signed yet.`,
    ...(unchained > 0 ? [`${unchained} events were stored before chains were kept. Nothing is proved of them.`] : []),
    ...purged.map(({ from, to, at }) => `Events ${from} to ${to} were purged at ${at}.`),
    ...(isTrusted || publicKeys.length === 0
      ? []
      : [`Signed by ${publicKeys.join(', ')}. Compare that with the key of your tenant, or name it with --key.`]),
  ]
}
