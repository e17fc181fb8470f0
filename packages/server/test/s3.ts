import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

const MOTO = '5.2.5'

/** A server that speaks S3, on a free loopback port, with an empty bucket. */
export interface S3Server {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly bucket: string
  readonly region: string
  stop(): Promise<void>
}

/** moto in a virtual environment of its own, kept between runs. In CI its absence fails; elsewhere it is used where it was installed. */
export const motoServer: string | null = (() => {
  const folder = join(tmpdir(), `lictor-moto-${MOTO}`)
  const command = join(folder, 'bin/moto_server')
  if (existsSync(command) && spawnSync(command, ['--help'], { stdio: 'ignore' }).status === 0) return command
  if (process.env.CI) {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore' })
    execFileSync(join(folder, 'bin/python'), ['-m', 'pip', 'install', '-q', `moto[server]==${MOTO}`], {
      stdio: 'ignore',
    })
    return command
  }
  console.warn(
    `moto is not installed: its suites are skipped. python3 -m venv ${folder} && ${folder}/bin/pip install 'moto[server]==${MOTO}'`,
  )
  return null
})()

/** versitygw, which checks signatures and the rules of keys: used where its binary was built once. */
export const versityBinary: string | null = (() => {
  const command = join(process.env.LICTOR_CI_CACHE ?? join(homedir(), '.cache/lictor-ci'), 'versitygw')
  if (existsSync(command)) return command
  console.warn(`versitygw is not at ${command}: its suites are skipped.`)
  return null
})()

export async function startMoto(): Promise<S3Server> {
  const port = await freePort()
  const child = spawn(motoServer ?? '', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  return ready(child, port, { accessKeyId: 'test', secretAccessKey: 'testtest' }, () => {})
}

export async function startVersity(): Promise<S3Server> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'lictor-versity-'))
  const child = spawn(versityBinary ?? '', ['--port', `127.0.0.1:${port}`, 'posix', folder], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: 'test', ROOT_SECRET_KEY: 'testtest' },
  })
  return ready(child, port, { accessKeyId: 'test', secretAccessKey: 'testtest' }, () =>
    rmSync(folder, { recursive: true, force: true }),
  )
}

async function ready(
  child: ChildProcess,
  port: number,
  keys: { accessKeyId: string; secretAccessKey: string },
  clean: () => void,
): Promise<S3Server> {
  const endpoint = `http://127.0.0.1:${port}`
  const region = 'us-east-1'
  const bucket = 'lictor'
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const client = new S3Client({ endpoint, region, credentials: keys, forcePathStyle: true, maxAttempts: 1 })
  for (let attempt = 0; ; attempt++) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
      break
    } catch (error) {
      if (attempt > 600 || child.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  client.destroy()
  return {
    endpoint,
    region,
    bucket,
    ...keys,
    async stop() {
      child.kill('SIGTERM')
      await ended
      clean()
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
