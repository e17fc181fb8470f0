import { createHash } from 'node:crypto'
import fc from 'fast-check'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { createMask, MASK } from './mask.ts'
import { createMasks } from './masks.ts'

const value = 'p@ss/w0rd+"quoted" & <tag> é!'
const pem = `-----BEGIN KEY-----\n${['MIIEvQIBADANBgkqhkiG9w0BAQ', 'EFAASCBKcwggSjAgEAAoIBAQC7', 'VJTUt9Us8cKBwkM'].join('\n')}\n-----END KEY-----\n`
const long = createHash('sha512').update('x').digest('hex').repeat(3)
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** What a program may print that holds the value. */
const spellings: Readonly<Record<string, (secret: string) => string>> = {
  plain: (one) => `token is ${one}.`,
  'in capitals': (one) => one.toUpperCase(),
  'in small letters': (one) => one.toLowerCase(),
  trimmed: (one) => one.trim(),
  json: (one) => JSON.stringify({ token: one }),
  'json in json': (one) => JSON.stringify({ body: JSON.stringify({ token: one }) }),
  'json of Python': (one) =>
    JSON.stringify(one).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'json of PHP': (one) => JSON.stringify(one).replaceAll('/', '\\/'),
  'url-encoded': (one) => `https://x.example/?t=${encodeURIComponent(one)}&a=1`,
  'url-encoded twice': (one) => encodeURIComponent(encodeURIComponent(one)),
  'a form': (one) => new URLSearchParams({ t: one, a: '1' }).toString(),
  html: (one) => one.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  base64: (one) => `Authorization: ${base64(one)}`,
  'base64 of more': (one) => base64(`user:${one}`),
  'base64 of more still': (one) => base64(`{"a":"${one}"}`),
  'base64 with a newline': (one) => base64(`${one}\n`),
  'base64 for addresses': (one) => Buffer.from(one).toString('base64url'),
  hex: (one) => Buffer.from(one).toString('hex').toUpperCase(),
  'in a shell': (one) => `curl -H '${one.replaceAll("'", "'\\''")}'`,
}

describe('a value that was handed over', () => {
  for (const [name, spell] of Object.entries(spellings))
    it(`is masked ${name}`, () => {
      for (const secret of [value, 'hunter2', 'tok_0123456789abcdef', long]) {
        const masked = createMask([secret]).text(spell(secret))
        expect(masked).toContain(MASK)
        expect(masked.toLowerCase()).not.toContain(secret.toLowerCase())
      }
    })

  it('is masked line by line, and in wrapped base64', () => {
    const mask = createMask([pem])
    for (const line of pem.trim().split('\n')) expect(mask.text(`> ${line}`)).toBe(`> ${MASK}`)
    const wrapped = base64(pem).replace(/(.{76})/g, '$1\n')
    for (const line of mask.text(wrapped).split('\n').slice(0, -1)) expect(line).toBe(MASK)
  })

  it('is masked when it is cut over two pieces', () => {
    const mask = createMask([value])
    for (let at = 6; at <= value.length - 6; at++) {
      const [one, other] = [mask.text(`out: ${value.slice(0, at)}`, true), mask.text(`${value.slice(at)} end`, true)]
      expect([one, other]).toEqual([`out: ${MASK}`, `${MASK} end`])
    }
  })

  it('is masked in every place of an event, whose other parts stay as they are', () => {
    const event = { a: [1, null, { b: `x${value}y`, c: true }], [value]: 'name', when: new Date(0), n: 1.5 }
    expect(createMask([value]).value(event)).toEqual({
      a: [1, null, { b: `x${MASK}y`, c: true }],
      [MASK]: 'name',
      when: new Date(0),
      n: 1.5,
    })
    const innocent = { a: ['nothing', { b: 2 }] }
    expect(createMask([value]).value(innocent)).toBe(innocent)
  })

  it('leaves no text behind, whatever stands around it', () => {
    const noise = fc.string({ unit: 'binary', maxLength: 40 })
    const secret = fc
      .string({ unit: 'grapheme', minLength: 4, maxLength: 60 })
      .filter((text) => text.trim().length >= 4)
    fc.assert(
      fc.property(noise, secret, noise, (before, one, after) => {
        const mask = createMask([one])
        for (const text of [before + one + after, before + JSON.stringify(one) + after])
          expect(mask.text(text)).not.toContain(one.trim())
        expect(mask.text('')).toBe('')
      }),
      { numRuns: 50 },
    )
  })

  it('is not looked for when it is shorter than four characters, and an empty one masks nothing', () => {
    const mask = createMask(['', 'abc', '  '])
    expect(mask.isEmpty).toBe(true)
    expect(mask.text('abcdef')).toBe('abcdef')
  })

  it('of two that overlap or contain each other, nothing stays', () => {
    expect(createMask(['abcdef', 'defghi']).text('>abcdefghi<')).toBe(`>${MASK}<`)
    expect(createMask(['secret-long', 'secret']).text('secret-long secret')).toBe(`${MASK} ${MASK}`)
  })
})

describe('masks of executions', () => {
  it('a rotated value stays masked beside the new one, and other executions are not concerned', () => {
    const masks = createMasks()
    masks.add('one', ['old-value'])
    masks.add('one', ['new-value'])
    expect(masks.of('one').text('old-value new-value')).toBe(`${MASK} ${MASK}`)
    expect(masks.of('two').text('old-value')).toBe('old-value')
    masks.forget('one')
    expect(masks.of('one').text('old-value, written late')).toBe(`${MASK}, written late`)
  })

  it('log lines hold no value of any of them: messages, fields, errors with their causes', () => {
    const lines: string[] = []
    const masks = createMasks()
    const logger = masks.logger(pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }))
    masks.add('one', ['hunter2-hunter2'])
    logger.warn(
      { err: new Error('no: hunter2-hunter2', { cause: new Error('hunter2-hunter2') }) },
      'it says %s',
      'hunter2-hunter2',
    )
    logger.info('plain hunter2-hunter2')
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain('hunter2')
    expect(lines.join()).toContain('it says ***')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { message: expect.stringMatching(/^no: \*{3}/) } })
  })
})
