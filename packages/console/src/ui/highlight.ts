export type Kind = 'plain' | 'keyword' | 'string' | 'number' | 'comment' | 'name'

export interface Token {
  readonly kind: Kind
  readonly text: string
}

export type Language = 'sql' | 'shell' | 'json' | 'plain'

/** Each alternative is one kind, by its group's name. What matches nothing is plain. */
const GRAMMARS: Readonly<Record<Exclude<Language, 'plain'>, RegExp>> = {
  sql: /(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^']|'')*')|(?<name>"[^"]*"|`[^`]*`)|(?<number>\b\d+(?:\.\d+)?\b)|(?<keyword>\b(?:select|insert|update|delete|alter|create|drop|truncate|grant|revoke|with|from|where|into|values|set|table|index|view|database|schema|column|join|left|right|inner|outer|full|cross|on|using|and|or|not|null|is|in|like|between|exists|order|group|by|having|limit|offset|union|all|distinct|as|case|when|then|else|end|default|primary|foreign|key|references|constraint|unique|check|cascade|add|begin|commit|rollback|returning|if)\b)/gi,
  shell:
    /(?<comment>(?<=^|\s)#[^\n]*)|(?<string>"(?:\\[\s\S]|[^"\\])*"|'[^']*')|(?<name>\$\{[^}]*\}|\$\w+|\$\([^)]*\))|(?<keyword>&&|\|\||[|;&<>]+|(?<=^|[|;&\n]\s*)(?:sudo|rm|chmod|chown|dd|mkfs\S*|curl|wget|ssh|scp|kill|shutdown|reboot)\b)|(?<number>(?<=\s)-{1,2}[\w-]+)/g,
  json: /(?<name>"(?:\\.|[^"\\])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\])*")|(?<keyword>\b(?:true|false|null)\b)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g,
}

/** Beyond this many characters a text is shown without colours: they would cost more than they help. */
const LONGEST = 50_000

/** The text in pieces; put together they are the text again, character for character. */
export function highlight(text: string, language: Language): readonly Token[] {
  if (language === 'plain' || text.length > LONGEST) return [{ kind: 'plain', text }]
  const tokens: Token[] = []
  let end = 0
  for (const match of text.matchAll(GRAMMARS[language])) {
    if (match.index > end) tokens.push({ kind: 'plain', text: text.slice(end, match.index) })
    const [kind] = Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined) ?? ['plain']
    tokens.push({ kind: kind as Kind, text: match[0] })
    end = match.index + match[0].length
  }
  if (end < text.length) tokens.push({ kind: 'plain', text: text.slice(end) })
  return tokens
}

const SQL_NAMES = /^(?:sql|query|statement|ddl)$/i
const SQL_VERB = /^\s*(?:select|insert|update|delete|alter|create|drop|truncate|grant|revoke|with)\s/i
/** Enough of a statement to be no sentence. */
const SQL_STATEMENT =
  /^\s*(?:select\s[\s\S]+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|(?:alter|create|drop|truncate)\s+(?:table|index|view|database|schema)\s|with\s+\S+\s+as\s*\()/i
const SHELL_NAMES = /^(?:command|cmd|script|bash|shell)$/i

/** What a text of an argument is most likely written in, by the argument's name and how it begins. */
export function languageOf(name: string, text: string): Language {
  if (SHELL_NAMES.test(name)) return 'shell'
  return SQL_STATEMENT.test(text) || (SQL_NAMES.test(name) && SQL_VERB.test(text)) ? 'sql' : 'plain'
}
