import { parseHTML } from 'linkedom'
import TurndownService from 'turndown'

type Page = ReturnType<typeof parseHTML>['document']

/** Elements that hold nothing to read. */
const UNREAD = 'script, style, noscript, template, iframe, object, embed, svg, canvas, link, meta'

/**
 * A page as Markdown, with its links made whole.
 * @param address where the page is, for links that are relative to it
 * @returns null for what cannot be turned, for example elements nested without end
 */
export function markdownOf(html: string, address: string): string | null {
  try {
    const { document } = parseHTML(/<html[\s>]/i.test(html) ? html : `<html><body>${html}</body></html>`)
    for (const element of document.querySelectorAll(UNREAD)) element.remove()
    makeWhole(document, 'a[href]', 'href', address)
    makeWhole(document, 'img[src]', 'src', address)
    const title = document.querySelector('title')?.textContent?.trim() ?? ''
    const service = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' })
    const body = document.querySelector('body') ?? document.documentElement
    const text = service.turndown(body as unknown as TurndownService.Node)
    return title === '' || text.startsWith('# ') ? text : `# ${title}\n\n${text}`
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function makeWhole(document: Page, selector: string, attribute: string, address: string): void {
  for (const element of document.querySelectorAll(selector)) {
    const value = element.getAttribute(attribute) ?? ''
    if (URL.canParse(value, address)) element.setAttribute(attribute, new URL(value, address).href)
  }
}
