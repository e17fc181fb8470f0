import { list, text } from '../load/shape.ts'
import { notText } from './mismatch.ts'
import { asList, type Operator, TEXT, TEXT_OR_NONE } from './operator.ts'

const contains: Operator = {
  name: 'contains',
  shape: text(),
  compile: (slot, argument) => {
    const needle = String(argument)
    return (e) => {
      const value = e.read(slot)
      return typeof value === 'string' ? value.includes(needle) : notText('contains', value)
    }
  },
  demands: (_, holds) => (holds ? TEXT : TEXT_OR_NONE),
  samples: (argument) => ({ holds: around(String(argument)), fails: [without([String(argument)]), undefined] }),
  holdsWhen: 'the text `a` stands in `v`',
  examples: [
    { argument: 'DROP ', holds: ['x; DROP TABLE y', 'DROP '], fails: ['drop table', '', null] },
    { argument: 'sudo', holds: ['sudo', 'a sudo b'], fails: ['su do', 'SUDO'] },
  ],
}

const containsAny: Operator = {
  name: 'contains_any',
  shape: list(text()),
  compile: (slot, argument) => {
    const needles = asList(argument).map(String)
    return (e) => {
      const value = e.read(slot)
      if (typeof value !== 'string') return notText('contains_any', value)
      for (let i = 0; i < needles.length; i++) if (value.includes(needles[i] as string)) return true
      return false
    }
  },
  demands: (_, holds) => (holds ? TEXT : TEXT_OR_NONE),
  samples: (argument) => {
    const needles = asList(argument).map(String)
    return { holds: needles.flatMap(around), fails: [without(needles), undefined] }
  },
  holdsWhen: 'one of the texts stands in `v`',
  examples: [
    { argument: ['.env', '.pem'], holds: ['/srv/.env', 'a.pem'], fails: ['/srv/env', '', null] },
    { argument: ['.env', 'id_rsa'], holds: ['.env', '~/.ssh/id_rsa'], fails: ['a.pem', 'ID_RSA'] },
  ],
}

const startsWith: Operator = {
  name: 'starts_with',
  shape: text(),
  compile: (slot, argument) => {
    const start = String(argument)
    return (e) => {
      const value = e.read(slot)
      return typeof value === 'string' ? value.startsWith(start) : notText('starts_with', value)
    }
  },
  demands: (argument, holds) => (holds ? { ...TEXT, begins: String(argument) } : TEXT_OR_NONE),
  samples: (argument) => ({
    holds: [String(argument), `${argument}x`],
    fails: [`${unlike(String(argument).charAt(0))}${argument}`, undefined],
  }),
  holdsWhen: '`v` begins with `a`',
  examples: [
    { argument: '/tmp/', holds: ['/tmp/x', '/tmp/'], fails: ['/var/tmp/x', '/tmp', null] },
    { argument: '/srv/', holds: ['/srv/x'], fails: ['/tmp/srv/', '/SRV/x'] },
  ],
}

const endsWith: Operator = {
  name: 'ends_with',
  shape: text(),
  compile: (slot, argument) => {
    const end = String(argument)
    return (e) => {
      const value = e.read(slot)
      return typeof value === 'string' ? value.endsWith(end) : notText('ends_with', value)
    }
  },
  demands: (argument, holds) => (holds ? { ...TEXT, ends: String(argument) } : TEXT_OR_NONE),
  samples: (argument) => ({
    holds: [String(argument), `x${argument}`],
    fails: [`${argument}${unlike(String(argument).charAt(String(argument).length - 1))}`, undefined],
  }),
  holdsWhen: '`v` ends with `a`',
  examples: [
    { argument: '.example.com', holds: ['a.example.com'], fails: ['example.com', '.example.com.', null] },
    { argument: '.pem', holds: ['.pem', 'key.pem'], fails: ['.pem.txt', 'pem'] },
  ],
}

const around = (needle: string): string[] => [needle, `x ${needle} x`]
const unlike = (character: string): string => (character === 'x' ? 'y' : 'x')

/** A text in which none of the needles stands; where there is none (one of them is empty), an empty one. */
function without(needles: readonly string[]): string {
  return ['other', '#', ''].find((each) => needles.every((needle) => !each.includes(needle))) ?? ''
}

export const TEXTS: readonly Operator[] = [contains, containsAny, startsWith, endsWith]
