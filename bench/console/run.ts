/**
 * The console of a built server in headless Chromium: what the live list of events costs while 50 events a second arrive, how
 * soon an approved agent goes on, and how soon the console is live again after its server was killed and started.
 *
 *   node --conditions=@lictor/source bench/console/run.ts [--minutes 10] [--approvals 200] [--restarts 10] [--json FILE]
 */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Edictum } from '@lictor/guard'
import type { Page } from 'playwright-core'
import { auditEvent, type ConsoleWorld, startConsole } from '../../e2e/support/console.ts'
import { root } from '../../e2e/support/server.ts'
import { type Figure, quantile, writeFigures } from '../figures.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    approvals: { type: 'string', default: '200' },
    restarts: { type: 'string', default: '10' },
    json: { type: 'string' },
  },
})
const EVENTS_PER_SECOND = 50
const MINUTE_MS = 60_000
/** The server lets an agent ask ten times a minute. */
const APPROVALS_PER_AGENT = 8
const ASKING = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: asking}
defaults: {mode: enforce}
contracts:
  - id: ask
    type: pre
    tool: '*'
    when: {args.path: {exists: true}}
    then: {effect: approve, message: It needs a person, timeout: 300}
`

if (!existsSync(`${root}/packages/console/dist/index.html`)) throw new Error('The console is not built: npm run build')
const world = await startConsole()
const figures: Figure[] = []
try {
  figures.push(...(await liveEvents(world, Number(values.minutes))))
  figures.push(...(await approvals(world, Number(values.approvals))))
  figures.push(await liveAgain(world, Number(values.restarts)))
  writeFigures(values.json, figures)
} finally {
  await world.close()
}

/** Somebody looks at the list while agents report. */
async function liveEvents(world: ConsoleWorld, minutes: number): Promise<Figure[]> {
  // Without a test's clock: time is what is measured.
  const page = await (await world.context()).newPage()
  await page.goto(`${world.server.url}/dashboard/events?tool_name=bench_tool`)
  await isLive(page)
  const browser = await page.context().newCDPSession(page)
  // The thread's own time: what else the machine does is not the page's doing.
  await browser.send('Performance.enable', { timeDomain: 'threadTicks' })
  const read = async () => {
    await browser.send('HeapProfiler.collectGarbage')
    const { metrics } = await browser.send('Performance.getMetrics')
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN
    return { at: performance.now(), busy: of('TaskDuration'), heapMiB: of('JSHeapUsedSize') / 2 ** 20 }
  }
  const told = new Set<string>()
  let bytes = 0
  page.on('response', (response) => {
    if (!response.url().includes('after_seq=')) return
    void response.body().then((body) => {
      bytes += body.length
      for (const { id } of JSON.parse(body.toString()) as { id: string }[]) told.add(id)
    })
  })

  const start = await read()
  const heaps: number[] = []
  let sent = 0
  let nextReading = MINUTE_MS
  for (;;) {
    const passed = performance.now() - start.at
    if (passed >= minutes * MINUTE_MS) break
    if (passed >= nextReading) {
      nextReading += MINUTE_MS
      const { heapMiB } = await read()
      heaps.push(heapMiB)
      console.error(`${Math.round(passed / MINUTE_MS)} min: ${sent} events, heap ${heapMiB.toFixed(1)} MiB`)
    }
    const due = Math.floor((passed / 1000) * EVENTS_PER_SECOND) - sent
    if (due >= 5) {
      await world.report(
        Array.from({ length: due }, (_, index) =>
          auditEvent({ tool_name: 'bench_tool', agent_id: `agent-${(sent + index) % 10}` }),
        ),
      )
      sent += due
    }
    await pause(20)
  }
  const end = await read()
  const busy = (100 * (end.busy - start.busy)) / ((end.at - start.at) / 1000)
  heaps.push(end.heapMiB)
  await pause(5_000)
  await page.context().close()
  const [first = Number.NaN, ...later] = heaps
  console.log(
    `${sent} events in ${minutes} min: ${told.size} told to the page in ${Math.round(bytes / 1024)} KiB, main thread busy ${busy.toFixed(1)} %, heap ${heaps.map((heap) => heap.toFixed(1)).join(' ')} MiB`,
  )
  return [
    { what: `main thread, ${EVENTS_PER_SECOND} events/s`, value: rounded(busy), unit: '%', goal: { atMost: 5 } },
    {
      what: 'heap at its largest after the first minute',
      value: rounded(Math.max(...later)),
      unit: 'MiB',
      beside: { what: 'after the first minute', value: rounded(first) },
    },
    {
      what: `events told to the page, of those reported in ${minutes} min`,
      value: told.size,
      unit: 'events',
      beside: { what: 'reported', value: sent },
      goal: { atLeast: sent },
    },
  ]
}

/** From the key that approves to the tool running in an agent that waits, with the pause for undo switched off. */
async function approvals(world: ConsoleWorld, count: number): Promise<Figure[]> {
  await world.admin.deploy(ASKING)
  const key = await world.admin.createKey()
  const page = await (await world.context()).newPage()
  await page.goto(`${world.server.url}/dashboard/approvals`)
  await isLive(page)
  const samples: number[] = []
  for (let agent = 0; samples.length < count; agent++) {
    const guard = await Edictum.fromServer({
      url: world.server.url,
      apiKey: key,
      agentId: `asker-${agent}`,
      bundleName: 'asking',
    })
    for (let one = 0; one < APPROVALS_PER_AGENT && samples.length < count; one++) {
      const name = `delete_file_${samples.length}`
      const tool = guard.run(name, { path: 'old.csv' }, async () => performance.now())
      const row = page.getByRole('list', { name: /Waiting calls/ }).getByRole('button', { name })
      await row.waitFor()
      if (samples.length === 0) {
        await page.getByLabel(/Hold approvals/).uncheck()
        await page.reload()
        await isLive(page)
        await row.waitFor()
      }
      await row.click()
      await page
        .getByRole('article', { name: new RegExp(`^${name} for`) })
        .getByRole('button', { name: /^Approve/ })
        .and(page.locator(':enabled'))
        .waitFor()
      const pressed = performance.now()
      await page.keyboard.press('a')
      samples.push((await tool) - pressed)
    }
    await guard.close()
  }
  await page.context().close()
  const [p50, p99] = [rounded(quantile(samples, 0.5)), rounded(quantile(samples, 0.99))]
  console.log(`approved to the tool running: p50 ${p50} ms, p99 ${p99} ms (${samples.length} approvals)`)
  return [
    { what: 'key that approves to the tool running in the agent, p50', value: p50, unit: 'ms' },
    { what: 'key that approves to the tool running in the agent, p99', value: p99, unit: 'ms', goal: { atMost: 150 } },
  ]
}

/** From a restarted server that listens to a page that says it is live. */
async function liveAgain(world: ConsoleWorld, restarts: number): Promise<Figure> {
  const page = await (await world.context()).newPage()
  await page.goto(`${world.server.url}/dashboard/agents`)
  await isLive(page)
  const samples: number[] = []
  for (let one = 0; one < restarts; one++) {
    await world.server.kill()
    await page.getByText('The server does not answer.').first().waitFor()
    // Longer and longer away, so that each step of the waiting between attempts is met.
    await pause(1_000 * (one + 1))
    await world.restart()
    const from = performance.now()
    await isLive(page)
    samples.push(performance.now() - from)
  }
  await page.context().close()
  const worst = rounded(Math.max(...samples) / 1000)
  console.log(`live again after ${samples.map((ms) => Math.round(ms)).join(' ')} ms`)
  return { what: `live again after a restart, worst of ${restarts}`, value: worst, unit: 's', goal: { atMost: 3 } }
}

async function isLive(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
