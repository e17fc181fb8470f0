/** Text of agents and people goes into languages that would act on it: each is disarmed for where it goes. */

/** At most `limit` UTF-16 units, never half a character, with an ellipsis where something is missing. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  const kept = text.slice(0, limit - 1)
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`
}

export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

/** Slack's control characters: without them there are no links, mentions or broadcasts. */
export const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Discord's Markdown: nothing of it renders, and no mention is one. */
export const escapeDiscord = (text: string): string => text.replace(/[\\*_~`|>#[\]()<@]/g, '\\$&')

/** The beginning of an id that people recognise it by. */
export const shortId = (id: string): string => id.slice(0, 8)
