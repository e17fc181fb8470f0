import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { checkStart } from '@lictor/server'
import { Command } from 'commander'
import { connect, isServerUp, readLocalAccess } from '../connection/connection.ts'
import type { Context } from '../context.ts'
import { style } from '../terminal/style.ts'
import { placeOf, present } from '../terminal/terminal.ts'

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

/** `lictor doctor`: what is there, what is missing, and what that means. Exit code 1 when something needed fails. */
export function doctorCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('doctor').description('check this machine and the server')
  return command.action(async () => {
    const { output, url } = settings(command)
    const findings = [
      checkNode(),
      ...(await checkStartHere()),
      checkBubblewrap(),
      checkPython(),
      await checkServer(url),
    ]
    const failed = findings.some((finding) => finding.state === 'failed')
    const marks = {
      ok: style('green', 'ok     '),
      warning: style('yellow', 'warning'),
      failed: style('red', 'failed '),
    }
    present(terminal, output, { ok: !failed, findings }, () =>
      findings.map((f) => `${marks[f.state]}  ${f.check.padEnd(12)} ${f.detail}`),
    )
    if (failed) exitWith(1)
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

  /** What `up` would refuse, by its own checks. Beside a server that runs here, its database and port are in use by it. */
  async function checkStartHere(): Promise<Finding[]> {
    const local = readLocalAccess(terminal)
    const isRunning = local !== null && (await isServerUp(local.url))
    const checks = await checkStart(terminal.environment)
    return checks
      .filter(({ check }) => !(isRunning && (check === 'database' || check === 'port')))
      .map(({ check, refusal, detail }) => ({
        check,
        state: refusal === null ? 'ok' : 'failed',
        detail: refusal === null ? detail : `\`lictor up\` would be refused: ${refusal}`,
      }))
  }

  function checkBubblewrap(): Finding {
    if (terminal.environment.LICTOR_SANDBOX === 'docker') return checkDocker()
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

  function checkDocker(): Finding {
    const socket = terminal.environment.LICTOR_DOCKER_SOCKET || '/var/run/docker.sock'
    try {
      accessSync(socket, constants.R_OK | constants.W_OK)
      return { check: 'sandbox', state: 'ok', detail: `there is the socket of a Docker Engine: ${socket}` }
    } catch {
      return {
        check: 'sandbox',
        state: 'failed',
        detail: `LICTOR_SANDBOX is docker, and ${socket} is not there or may not be used. Start the Docker Engine, or name its socket in LICTOR_DOCKER_SOCKET`,
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
      const connection = await connect({ ...placeOf(terminal), ...(url === undefined ? {} : { url }) })
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
