import { toWireTime } from '../../storage/instants.ts'
import { content, flag, list, optional, text } from '../management/arguments.ts'
import { type ArgumentRecord, BadArguments, builtin, type Tool, ToolFailed } from '../tools/tool.ts'
import { BadRepository, gitRef, refKinds, refName, repositoryUrl, sparsePaths } from './binding.ts'
import type { Repositories, Repository } from './repositories.ts'

const own = { ...builtin, category: 'filesystem' } as const
const reads = { ...own, tags: ['read-only'], sideEffect: 'read', isIdempotent: true, requires: 'volume:read' } as const
const writes = { ...own, sideEffect: 'write', isIdempotent: false, requires: 'volume:write' } as const
const binding = { binding_id: text('Id of the repository, as aegis.git.clone and aegis.git.list tell it.') }
const address: ArgumentRecord = {
  is: 'url',
  schema: {
    type: 'string',
    minLength: 1,
    description: 'Address of the repository, with https:// and without a password.',
  },
}

/** Git repositories in volumes, with the rights of whoever calls. */
export function gitTools(deps: { repositories: () => Repositories }): Tool[] {
  const repositories = () => deps.repositories()
  /** A call names a repository by its id; what is judged is where that is. */
  const implied: Tool['implied'] = {
    arguments: { repo_url: address },
    find: async (caller, args) => ({
      repo_url: (await repositories().get(caller, String(args.binding_id))).binding.repoUrl,
    }),
  }

  return [
    {
      ...writes,
      name: 'aegis.git.clone',
      description: 'Clone a git repository into a new volume, whose files the aegis.file tools read and write.',
      tags: ['network'],
      arguments: {
        repo_url: address,
        label: text('Name of the volume that is made for it.'),
        credential_binding_id: optional(text('Id or name of the credential to reach it with.')),
        git_ref: optional({
          is: 'setting',
          schema: {
            type: 'object',
            properties: { kind: { type: 'string', enum: refKinds }, value: { type: 'string', minLength: 1 } },
            required: ['kind', 'value'],
            additionalProperties: false,
            description: 'What to check out; the branch that the repository begins with when left out.',
          },
        }),
        sparse_paths: optional(
          list('Folders and files of it that are wanted; all of it when left out.', { type: 'string' }),
        ),
        auto_refresh: optional(flag('Only false: call aegis.git.refresh to have what is new.')),
        shallow: optional(flag('Whether the history is left out (true).')),
      },
      run: async (run) => {
        const { args } = run
        if (args.auto_refresh === true)
          throw new ToolFailed(
            'auto_refresh is not available on this server: nothing tells it of a push. Call aegis.git.refresh.',
          )
        const input = asked(() => ({
          repoUrl: repositoryUrl(String(args.repo_url)),
          label: String(args.label),
          credentialId: args.credential_binding_id === undefined ? null : String(args.credential_binding_id),
          ref: args.git_ref === undefined ? null : gitRef(args.git_ref),
          sparsePaths: sparsePaths((args.sparse_paths ?? []) as readonly string[]),
          isShallow: args.shallow !== false,
        }))
        const { leftOut, ...cloned } = await repositories().clone(run, input)
        return { ...shown(cloned), ...(leftOut.length > 0 ? { left_out: leftOut.slice(0, 100) } : {}) }
      },
    },
    {
      ...reads,
      name: 'aegis.git.list',
      description: 'List the repositories that were cloned.',
      arguments: {},
      run: async ({ caller }) => {
        const found = (await repositories().list(caller)).map(shown)
        return { repositories: found, count: found.length }
      },
    },
    {
      ...reads,
      name: 'aegis.git.status',
      description: 'What is checked out, what was changed since, and how many commits are not pushed.',
      arguments: binding,
      run: async (run) => {
        const found = await repositories().status(run, String(run.args.binding_id))
        return {
          ...shown(found),
          commit_sha: found.commit,
          branch: found.branch,
          unpushed_commits: found.unpushed,
          is_clean: found.changes.length === 0,
          changes: found.changes.map(({ status, path }) => ({ status, path })),
          ...(found.isCut ? { truncated: true } : {}),
        }
      },
    },
    {
      ...reads,
      name: 'aegis.git.diff',
      description: 'What was changed and not committed, line by line, in files that git knows.',
      arguments: { ...binding, staged: optional(flag('What is in the index, in place of what is not (false).')) },
      run: async (run) => {
        const { diff, isCut } = await repositories().diff(run, String(run.args.binding_id), run.args.staged === true)
        return { binding_id: run.args.binding_id, diff, ...(isCut ? { truncated: true } : {}) }
      },
    },
    {
      ...writes,
      name: 'aegis.git.refresh',
      description: 'Fetch what is new and check it out. Changes of its own are not undone: with some, it fails.',
      tags: ['network'],
      isIdempotent: true,
      arguments: binding,
      implied,
      run: async (run) => {
        const { old, commit } = await repositories().refresh(run, String(run.args.binding_id))
        return {
          binding_id: run.args.binding_id,
          status: old === commit ? 'unchanged' : 'refreshed',
          old_commit_sha: old,
          new_commit_sha: commit,
        }
      },
    },
    {
      ...writes,
      name: 'aegis.git.commit',
      description: 'Commit everything that was changed, new files and deleted ones too.',
      arguments: { ...binding, message: { ...content('What was changed, and why.'), schema: messageSchema } },
      run: async (run) => {
        const { branch, commit } = await repositories().commit(
          run,
          String(run.args.binding_id),
          String(run.args.message),
        )
        return { binding_id: run.args.binding_id, status: 'committed', branch, commit_sha: commit }
      },
    },
    {
      ...writes,
      name: 'aegis.git.push',
      description: 'Push what is checked out. Never by force: what others pushed meanwhile stays.',
      tags: ['network'],
      sideEffect: 'irreversible',
      arguments: {
        ...binding,
        remote: optional(text('Only origin, where it was cloned from.')),
        ref: optional(text('The branch to push to; the one that is checked out when left out.')),
      },
      implied,
      run: async (run) => {
        const { remote = 'origin', ref } = run.args
        if (remote !== 'origin')
          throw new ToolFailed(
            `There is no remote '${String(remote)}'; a repository has origin, where it was cloned from.`,
          )
        const branch = ref === undefined ? null : asked(() => refName(String(ref).replace(/^refs\/heads\//, ''), 'ref'))
        const pushed = await repositories().push(run, String(run.args.binding_id), branch)
        return {
          binding_id: run.args.binding_id,
          status: 'pushed',
          remote,
          ref: pushed.branch,
          commit_sha: pushed.commit,
        }
      },
    },
    {
      ...writes,
      name: 'aegis.git.delete',
      description: 'Delete a repository here, with the volume that it is in. Where it was cloned from it stays.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      arguments: binding,
      run: async (run) => {
        const { id, volumeId } = await repositories().delete(run, String(run.args.binding_id))
        return { status: 'deleted', binding_id: id, volume_id: volumeId }
      },
    },
  ]
}

const messageSchema = { type: 'string', minLength: 1, maxLength: 65_536, description: 'What was changed, and why.' }

function asked<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof BadRepository ? new BadArguments(error.message) : error
  }
}

const shown = ({ binding, volume }: Repository) => ({
  binding_id: binding.id,
  repo_url: binding.repoUrl,
  label: volume.label,
  volume_id: volume.id,
  git_ref: binding.ref.value === '' ? null : { ...binding.ref },
  commit_sha: binding.commit,
  status: binding.busyUntil !== null ? 'busy' : binding.commit === null ? 'failed' : 'ready',
  sparse_paths: [...binding.sparsePaths],
  shallow: binding.isShallow,
  credential_binding_id: binding.credentialId,
  created_at: toWireTime(binding.createdAt),
  refreshed_at: binding.refreshedAt === null ? null : toWireTime(binding.refreshedAt),
})
