import { describe, expect, it } from 'vitest'
import { gitRef, isBrought, refName, repositoryUrl, sparsePaths } from './binding.ts'

describe('what a clone is asked for', () => {
  it('is at an https address without a password, and at nothing else', () => {
    expect(repositoryUrl(' https://Git.Example:443/team/project.git ')).toBe('https://git.example/team/project.git')
    for (const [text, why] of [
      ['http://git.example/x', 'https: alone'],
      ['ssh://git@git.example/x', 'over ssh'],
      ['git@git.example:x', 'over ssh'],
      ['git+ssh://git.example/x', 'over ssh'],
      ['GIT@git.example:team/x.git', 'https: alone'],
      ['file:///etc', 'https: alone'],
      ['ext::sh -c id', 'https: alone'],
      ['/srv/git/x', 'is no address'],
      ['--upload-pack=id', 'is no address'],
      ['https://user:secret@git.example/x', 'user or a password'],
      ['https://git.example/x?token=secret', 'query'],
      ['https://git.example', 'no repository'],
      [`https://git.example/${'x'.repeat(2048)}`, 'is no address'],
    ] as const) {
      expect(() => repositoryUrl(text), text).toThrow(why)
      try {
        repositoryUrl(text)
      } catch (error) {
        expect((error as Error).message).not.toContain('secret')
      }
    }
  })

  it('names a branch, a tag or a whole commit, never an option', () => {
    expect(gitRef({ kind: 'branch', value: 'feature/x' })).toEqual({ kind: 'branch', value: 'feature/x' })
    expect(gitRef({ kind: 'commit', value: 'A'.repeat(40) })).toEqual({ kind: 'commit', value: 'a'.repeat(40) })
    expect(() => gitRef({ kind: 'commit', value: 'abc' })).toThrow('all 40 digits')
    for (const name of [
      '-x',
      '--upload-pack=id',
      'a..b',
      'a b',
      'a~1',
      'a^',
      'a:b',
      'a@{1}',
      '@',
      '.a',
      'a/.b',
      'a.lock',
    ])
      expect(() => refName(name, 'ref'), name).toThrow('no name of a branch or tag')
    for (const name of ['a/', '/a', 'a//b', 'a.', 'a\u0000b', 'a\nb', 'a\\b', 'a*', 'é'.repeat(128)])
      expect(() => refName(name, 'ref'), name).toThrow('no name of a branch or tag')
  })

  it('takes parts of the tree by paths alone', () => {
    expect(sparsePaths(['/docs', 'src/a.ts'])).toEqual(['docs', 'src/a.ts'])
    for (const path of ['../x', 'a/../../x', '*', 'a[b]', '!docs', '', '/'])
      expect(() => sparsePaths([path]), path).toThrow('sparse_paths')
    expect(() => sparsePaths(Array(101).fill('a'))).toThrow('at most 100')
  })
})

describe('what of a volume is brought to git', () => {
  it('is the tree, and of .git what git itself keeps there', () => {
    for (const path of [
      'a',
      'a/b.git/c',
      '.gitignore',
      '.git',
      '.git/HEAD',
      '.git/index',
      '.git/refs/heads/main',
      '.git/objects/aa/bb',
      '.git/shallow',
    ])
      expect([path, isBrought(path)]).toEqual([path, true])
  })

  it('is no setting, no hook, nothing that leads elsewhere, and no repository within the repository', () => {
    for (const path of [
      '.git/config',
      '.git/config.worktree',
      '.git/hooks',
      '.git/hooks/pre-commit',
      '.git/info/attributes',
      '.git/objects/info/alternates',
      '.git/index.lock',
      '.git/refs/heads/main.lock',
      '.git/modules/x/config',
      '.git/commondir',
      '.git/worktrees/x/gitdir',
      'sub/.git',
      'sub/.git/config',
      'sub/.GIT/config',
      '.Git/config',
    ])
      expect([path, isBrought(path)]).toEqual([path, false])
  })
})
