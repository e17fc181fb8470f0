import { Command } from 'commander'
import { readTextFile } from '../connection/files.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

interface Summary {
  readonly name: string
  readonly latest_version: number
  readonly contract_count: number | null
  readonly deployed_envs: readonly string[]
}

/** `lictor bundle …`: upload, deploy and list bundles. */
export function bundleCommand({ terminal, settings, connect }: Context): Command {
  const bundle = new Command('bundle').description('upload and deploy contract bundles')

  const upload = bundle
    .command('upload')
    .description('upload a bundle as a new version')
    .argument('<file>', 'bundle.yaml')
    .option('--deploy <environment>', 'deploy it at once')
  upload.action(async (file: string, options: { deploy?: string }) => {
    const connection = await connect(upload)
    const uploaded = await connection
      .request<{ name: string; version: number; revision_hash: string }>('POST', '/api/v1/bundles', {
        yaml_content: readTextFile(terminal, file),
      })
      .catch((error: unknown) => {
        throw error instanceof CliError && error.code === 'http_422'
          ? new CliError('invalid_bundle', `${file} is not a valid bundle:\n${error.message}`)
          : error
      })
    if (options.deploy !== undefined)
      await connection.request('POST', deployPath(uploaded.name, uploaded.version), { env: options.deploy })
    present(terminal, settings(upload).output, uploaded, () =>
      options.deploy === undefined
        ? `Uploaded ${uploaded.name} version ${uploaded.version}. Deploy it: lictor bundle deploy ${uploaded.name} ${uploaded.version} --env production`
        : `Uploaded ${uploaded.name} version ${uploaded.version} and deployed it to ${options.deploy}.`,
    )
  })

  const deploy = bundle
    .command('deploy')
    .description('deploy a version of a bundle')
    .argument('<name>')
    .argument('<version>')
    .requiredOption('--env <environment>', 'production, staging or development')
  deploy.action(async (name: string, version: string, options: { env: string }) => {
    const connection = await connect(deploy)
    const deployed = await connection.request('POST', deployPath(name, version), { env: options.env })
    present(
      terminal,
      settings(deploy).output,
      deployed,
      () => `${name} version ${version} is deployed to ${options.env}.`,
    )
  })

  const list = bundle.command('list').description('list bundles')
  list.action(async () => {
    const bundles = await (await connect(list)).request<Summary[]>('GET', '/api/v1/bundles')
    present(terminal, settings(list).output, bundles, () =>
      bundles.length === 0
        ? 'No bundles yet. Upload one with `lictor bundle upload FILE`.'
        : table(
            ['NAME', 'VERSION', 'CONTRACTS', 'DEPLOYED TO'],
            bundles.map((b) => [
              b.name,
              String(b.latest_version),
              String(b.contract_count ?? '?'),
              b.deployed_envs.join(', ') || '-',
            ]),
          ),
    )
  })
  return bundle
}

const deployPath = (name: string, version: number | string) =>
  `/api/v1/bundles/${encodeURIComponent(name)}/${encodeURIComponent(String(version))}/deploy`
