import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** In which every page is looked at. */
export const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['at 390 pixels', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
]

/** What moves into its place is there, or was broken off with what it moved. */
export const still = (page: Page): Promise<unknown> =>
  page.evaluate(
    'Promise.all(document.getAnimations().map((one) => one.effect?.getComputedTiming().iterations === Infinity ? null : one.finished.catch(() => null)))',
  )

/** Opens a page of the console, and waits until nothing loads. */
export async function visit(page: Page, url: string, path: string): Promise<void> {
  await page.goto(`${url}/dashboard/${path}`)
  await page.locator('h1, h2').first().waitFor()
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0)
}

/** What axe finds, each with where. */
export async function violations(page: Page, where: string): Promise<string[]> {
  await still(page)
  await page.evaluate(AXE)
  const found = (await page.evaluate('axe.run()')) as AxeResults
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${where}: ${id}: ${node.html.slice(0, 160)}`))
}

/** By how much a page is wider than its window, or its column than what holds it; empty when nothing is. */
export async function tooWide(page: Page, where: string): Promise<string[]> {
  await still(page)
  const beyond = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll("main, [role=dialog]")].map((one) => one.scrollWidth - one.clientWidth)]',
  )
  return beyond.some((pixels) => pixels > 0) ? [`${where}: ${beyond}`] : []
}
