import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ServerSentEvent, SseOverflowError, SseParser } from './sse.ts'

const parse = (...chunks: string[]): ServerSentEvent[] => {
  const parser = new SseParser()
  return chunks.flatMap((chunk) => parser.push(chunk))
}

describe('an event stream is read by the rules of the standard', () => {
  test('LF, CR and CRLF end lines alike', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      expect(parse(['event: a', 'data: 1', '', 'data: 2', '', ''].join(end))).toEqual([
        { event: 'a', data: '1', id: '' },
        { event: 'message', data: '2', id: '' },
      ])
    }
  })

  test('several data lines join with LF, one blank after the colon goes', () => {
    expect(parse('data:a\ndata:  b\ndata\n\n')).toEqual([{ event: 'message', data: 'a\n b\n', id: '' }])
  })

  test('comments, retry and unknown fields are passed over; the id stays until another comes', () => {
    expect(parse(': keepalive\n\nid: 7\nretry: 10\nwhat: x\ndata: 1\n\ndata: 2\n\n')).toEqual([
      { event: 'message', data: '1', id: '7' },
      { event: 'message', data: '2', id: '7' },
    ])
  })

  test('an event without data is none, and its name is forgotten', () => {
    expect(parse('event: a\n\ndata: 1\n\n')).toEqual([{ event: 'message', data: '1', id: '' }])
  })

  test('a byte-order mark at the start is ignored', () => {
    expect(parse('\ufeffdata: 1\n\n')).toEqual([{ event: 'message', data: '1', id: '' }])
  })

  test('wherever the text is cut, the events are the same', () => {
    const text =
      ': hi\r\nevent: contract_update\r\nid: 3\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: x\rdata: ü\r\rdata: 2\n\n'
    const whole = parse(text)
    expect(whole).toHaveLength(3)
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length]
        const chunks = at.slice(1).map((end, index) => text.slice(at[index], end))
        expect(parse(...chunks)).toEqual(whole)
      }),
    )
  })

  test('an event of 1.4 MB passes, one beyond the limit is an error', () => {
    const data = 'x'.repeat(1_400_000)
    expect(parse(`data: ${data}\n`, '\n')[0]?.data).toHaveLength(1_400_000)
    const parser = new SseParser(1_000)
    expect(() => parser.push('data: '.padEnd(2_000, 'x'))).toThrow(SseOverflowError)
  })
})
