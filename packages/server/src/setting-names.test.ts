import { describe, expect, it } from 'vitest'
import { describeSettings } from './config.ts'
import { isInjected, unknownNames } from './setting-names.ts'

const known = [...describeSettings().matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name)
const judge = (...names: string[]) => unknownNames(Object.fromEntries(names.map((name) => [name, 'x'])), known)

describe('a mistyped setting is not ignored in silence', () => {
  it('is refused with the name that was meant', () => {
    for (const [written, meant] of [
      ['LICTOR_DATADIR', 'LICTOR_DATA_DIR'],
      ['LICTOR_PROT', 'LICTOR_PORT'],
      ['LICTOR_BASEURL', 'LICTOR_BASE_URL'],
      ['LICTOR_MASTERKEY_FILE', 'LICTOR_MASTER_KEY'],
      ['LICTOR_LOGLEVEL', 'LICTOR_LOG_LEVEL'],
    ]) {
      expect(() => judge(written ?? ''), written).toThrow(`There is no setting ${written}; did you mean ${meant}?`)
    }
  })

  it('a name that resembles none is passed on, to be warned of', () => {
    expect(judge('LICTOR_FAVOURITE_COLOUR', 'LICTOR_BACKUP_BUCKET', 'PATH')).toEqual([
      'LICTOR_BACKUP_BUCKET',
      'LICTOR_FAVOURITE_COLOUR',
    ])
  })

  it('every setting, from a file too, and what the other programs read is known', () => {
    expect(judge(...known, ...known.map((name) => `${name}_FILE`))).toEqual([])
    expect(judge('LICTOR_URL', 'LICTOR_TOKEN', 'LICTOR_SPOOL_DIR', 'LICTOR_WEBHOOK_SECRET_ACME_GITHUB')).toEqual([])
  })

  it("what a cluster injects for a service called lictor is nobody's mistake", () => {
    const environment = {
      LICTOR_PORT: 'tcp://10.0.0.7:8000',
      LICTOR_SERVICE_HOST: '10.0.0.7',
      LICTOR_SERVICE_PORT: '8000',
      LICTOR_SERVICE_PORT_HTTP: '8000',
      LICTOR_PORT_8000_TCP: 'tcp://10.0.0.7:8000',
      LICTOR_PORT_8000_TCP_ADDR: '10.0.0.7',
    }
    expect(unknownNames(environment, known)).toEqual([])
    expect(isInjected('LICTOR_PORT', '8000')).toBe(false)
  })
})
