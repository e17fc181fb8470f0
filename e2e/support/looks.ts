import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** In which every page is looked at: a colour scheme, and the size of a window. */
const LOOKS = [
  ['light', 'light', { width: 1280, height: 720 }],
  ['dark', 'dark', { width: 1280, height: 720 }],
  ['at 390 pixels', 'light', { width: 390, height: 844 }],
] as const
const NARROWEST = { width: 320, height: 640 }

/** What moves into its place is there, or was broken off with what it moved; what answers to another look has begun by the second frame. */
export const still = (page: Page): Promise<unknown> =>
  page.evaluate(
    'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() => Promise.all(document.getAnimations().map((one) => one.effect?.getComputedTiming().iterations === Infinity ? null : one.finished.catch(() => null))))',
  )

/** Opens a page of the console, and waits until nothing loads. */
export async function visit(page: Page, url: string, path: string): Promise<void> {
  await page.goto(`${url}/dashboard/${path}`)
  await page.locator('h1, h2').first().waitFor()
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0)
}

/** What axe finds, each with where. */
async function violations(page: Page, where: string): Promise<string[]> {
  await still(page)
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(AXE)
  const found = (await page.evaluate('axe.run()')) as AxeResults
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${where}: ${id}: ${node.html.slice(0, 160)}`))
}

/** By how much a page is wider than its window, or its column than what holds it; empty when nothing is. */
async function tooWide(page: Page, where: string): Promise<string[]> {
  await still(page)
  const beyond = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll("main, [role=dialog]")].map((one) => one.scrollWidth - one.clientWidth)]',
  )
  return beyond.some((pixels) => pixels > 0) ? [`${where}: ${beyond}`] : []
}

/** What is wrong with what a page shows just now: what axe finds in any look, and what is too wide at 390 and 320 pixels. */
export async function faults(page: Page, where: string): Promise<string[]> {
  const found: string[] = []
  const size = page.viewportSize()
  // Colours change at once: in the middle of a change they are those of neither look.
  await page.evaluate(
    'const still = new CSSStyleSheet(); still.replaceSync("* { transition: none !important }"); document.adoptedStyleSheets = [...document.adoptedStyleSheets, still]',
  )
  for (const [name, colorScheme, viewport] of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize(viewport)
    found.push(...(await violations(page, `${where}, ${name}`)))
  }
  found.push(...(await tooWide(page, `${where} at 390 pixels`)))
  await page.setViewportSize(NARROWEST)
  found.push(...(await tooWide(page, `${where} at 320 pixels`)))
  if (size) await page.setViewportSize(size)
  return found
}
