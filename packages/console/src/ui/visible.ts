/** Control characters, zero-width characters and those that turn the direction of text; tab and line feed may stay. */
const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/**
 * Text from an agent as it really is. A person decides by what they read, so nothing in it may be hidden or turned round:
 * such characters are written as `\u202e`.
 */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
