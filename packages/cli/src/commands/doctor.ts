import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { connect } from '../connection/connection.ts'
import type { Context } from '../context.ts'
import { style } from '../terminal/style.ts'
import { present } from '../terminal/terminal.ts'

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

/** `lictor doctor`: what is there, what is missing, and what that means. Exit code 1 when something needed fails. */
export function doctorCommand({ terminal, settings }: Context): Command {
  const command = new Command('doctor').description('check this machine and the server')
  return command.action(async () => {
    const { output, url } = settings(command)
    const findings = [checkNode(), checkDataDir(), checkBubblewrap(), checkPython(), await checkServer(url)]
    const failed = findings.some((finding) => finding.state === 'failed')
    const marks = {
      ok: style('green', 'ok     '),
      warning: style('yellow', 'warning'),
      failed: style('red', 'failed '),
    }
    present(terminal, output, { ok: !failed, findings }, () =>
      findings.map((f) => `${marks[f.state]}  ${f.check.padEnd(12)} ${f.detail}`),
    )
    if (failed) process.exitCode = 1
  })

  function checkNode(): Finding {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const fits = major > 22 || (major === 22 && minor >= 13)
    return {
      check: 'node',
      state: fits ? 'ok' : 'failed',
      detail: `${process.version}${fits ? '' : '; Lictor needs 22.13 or newer'}`,
    }
  }

  function checkDataDir(): Finding {
    const folder = resolve(terminal.workingDirectory, terminal.environment.LICTOR_DATA_DIR ?? './data')
    if (!existsSync(folder)) return { check: 'data folder', state: 'ok', detail: `${folder} (made on first start)` }
    try {
      accessSync(folder, constants.W_OK)
      return { check: 'data folder', state: 'ok', detail: folder }
    } catch {
      return {
        check: 'data folder',
        state: 'failed',
        detail: `${folder} cannot be written; name another with LICTOR_DATA_DIR`,
      }
    }
  }

  function checkBubblewrap(): Finding {
    if (process.platform !== 'linux') {
      return {
        check: 'sandbox',
        state: 'warning',
        detail: 'bubblewrap runs on Linux only: agents run as plain processes, without isolation',
      }
    }
    try {
      execFileSync('bwrap', ['--ro-bind', '/', '/', '--unshare-pid', 'true'], { stdio: 'ignore', timeout: 5000 })
      return { check: 'sandbox', state: 'ok', detail: 'bubblewrap works' }
    } catch {
      return {
        check: 'sandbox',
        state: 'warning',
        detail:
          'bubblewrap is missing or may not unshare: agents run as plain processes, without isolation. Install the package `bubblewrap`',
      }
    }
  }

  function checkPython(): Finding {
    try {
      const found = execFileSync('python3', ['--version'], { timeout: 5000 }).toString().trim()
      return { check: 'python', state: 'ok', detail: `${found} (for agents whose manifest says language: python)` }
    } catch {
      return {
        check: 'python',
        state: 'warning',
        detail: 'python3 is missing: agents whose manifest says language: python cannot run',
      }
    }
  }

  async function checkServer(url: string | undefined): Promise<Finding> {
    try {
      const connection = await connect({ ...terminal, ...(url === undefined ? {} : { url }) })
      const health = await connection.request<{ status: string; worker_status: Record<string, string> }>(
        'GET',
        '/api/v1/health/details',
        undefined,
        { accept: [503] },
      )
      const detail = `${connection.url} is ${health.status}`
      return { check: 'server', state: health.status === 'ok' ? 'ok' : 'failed', detail }
    } catch (error) {
      return { check: 'server', state: 'warning', detail: (error as Error).message }
    }
  }
}
