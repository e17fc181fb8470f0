import { lintSource } from '@secretlint/core'
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REDACTED, redactText } from './patterns.ts'
import { RedactionPolicy } from './policy.ts'

/**
 * No string here is a secret, and none looks like one before the test runs: each is put together from parts, with letters
 * drawn from a fixed sequence.
 */
function letters(count: number, alphabet: string, seed = 7): string {
  let state = seed
  let text = ''
  for (let i = 0; i < count; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    text += alphabet[(state >> 8) % alphabet.length]
  }
  return text
}
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const alnum = (count: number, seed?: number) => letters(count, ALNUM, seed)
const upper = (count: number, seed?: number) => letters(count, ALNUM.slice(0, 26) + ALNUM.slice(52), seed)
const hex = (count: number, seed?: number) => letters(count, '0123456789abcdef', seed)
const token = (...parts: readonly string[]) => parts.join('')

const TOKENS: readonly [string, string][] = [
  ['Anthropic', token('sk-', 'ant-', 'api03-', alnum(90), '-', alnum(6))],
  ['OpenAI project', token('sk-', 'proj-', alnum(74))],
  ['OpenAI service', token('sk-', 'svcacct-', alnum(60))],
  ['OpenAI of old', token('sk', '-', alnum(48))],
  ['OpenRouter', token('sk-', 'or-v1-', hex(64))],
  ['Groq', token('gsk', '_', alnum(52))],
  ['xAI', token('xai', '-', alnum(80))],
  ['Hugging Face', token('hf', '_', alnum(34))],
  ['Replicate', token('r8', '_', alnum(37))],
  ['GitHub', token('gh', 'p_', alnum(36))],
  ['GitHub OAuth', token('gh', 'o_', alnum(36))],
  ['GitHub app', token('gh', 's_', alnum(36))],
  ['GitHub fine-grained', token('github', '_pat_', alnum(22), '_', alnum(59))],
  ['GitLab', token('gl', 'pat-', alnum(20))],
  ['GitLab runner', token('gl', 'rt-', alnum(20))],
  ['npm', token('npm', '_', alnum(36))],
  ['PyPI', token('pypi', '-AgEIcHlwaS5vcmc', alnum(60))],
  ['Docker', token('dckr', '_pat_', alnum(27))],
  ['AWS', token('AK', 'IA', upper(16))],
  ['AWS session', token('AS', 'IA', upper(16))],
  ['Google', token('AI', 'za', alnum(35))],
  ['Google OAuth', token('ya', '29.', alnum(60))],
  ['Google client', token('GOC', 'SPX-', alnum(28))],
  ['Slack bot', token('xo', 'xb-', '123456789012-1234567890123-', alnum(24))],
  ['Slack user', token('xo', 'xp-', '123456789012-123456789012-', hex(32))],
  ['Slack app', token('xa', 'pp-1-', upper(11), '-1234567890123-', hex(64))],
  ['Slack webhook', token('https://hooks.', 'slack.com/services/', 'T', upper(8), '/B', upper(8), '/', alnum(24))],
  ['Stripe', token('sk', '_live_', alnum(24))],
  ['Stripe restricted', token('rk', '_live_', alnum(24))],
  ['Stripe webhook', token('wh', 'sec_', alnum(32))],
  ['SendGrid', token('SG', '.', alnum(22), '.', alnum(43))],
  ['Shopify', token('shp', 'at_', hex(32))],
  ['Square', token('sq0', 'atp-', alnum(22))],
  ['Databricks', token('da', 'pi', hex(32))],
  ['DigitalOcean', token('do', 'p_v1_', hex(64))],
  ['Vault', token('hv', 's.', alnum(90))],
  ['Linear', token('lin', '_api_', alnum(40))],
  ['Notion', token('ntn', '_', alnum(46))],
  ['Figma', token('fi', 'gd_', alnum(40))],
  ['Grafana', token('gl', 'sa_', alnum(32), '_', hex(8))],
  ['Supabase', token('sb', 'p_', hex(40))],
  ['Telegram', token('123456789', ':', 'AA', alnum(33))],
  ['Atlassian', token('AT', 'ATT3', alnum(180), '=', upper(8))],
  ['Lictor', token('ed', 'k_', 'production_', alnum(43))],
  ['JSON Web Token', token('ey', 'J', alnum(30), '.', 'ey', 'J', alnum(40), '.', alnum(43))],
]

const SECRET = alnum(24, 3)

/** A text around a secret, and what must be left of it. */
const PLACED: readonly [string, string, string][] = [
  ['a variable', `export API_KEY=${SECRET} next`, 'export API_KEY=[REDACTED] next'],
  [
    'a variable that a command is given',
    `AWS_SECRET_ACCESS_KEY=${SECRET} aws s3 ls`,
    'AWS_SECRET_ACCESS_KEY=[REDACTED] aws s3 ls',
  ],
  ['a variable in quotes', `DB_PASSWORD="two words ${SECRET}" run`, 'DB_PASSWORD="[REDACTED]" run'],
  ['a variable of a file', `A=1\nOPENAI_KEY=${SECRET}\nB=2`, 'A=1\nOPENAI_KEY=[REDACTED]\nB=2'],
  [
    'a credentials file',
    `aws_secret_access_key = ${SECRET}\nregion = eu`,
    'aws_secret_access_key = [REDACTED]\nregion = eu',
  ],
  ['a setting in code', `const apiKey = '${SECRET}'`, "const apiKey = '[REDACTED]'"],
  ['a setting in YAML', `db:\n  password: ${SECRET}\n  port: 5`, 'db:\n  password: [REDACTED]\n  port: 5'],
  ['an option', `tool --password ${SECRET} x`, 'tool --password [REDACTED] x'],
  ['an option with a sign', `tool --token=${SECRET}`, 'tool --token=[REDACTED]'],
  ['an option of two words', `tool --api-key ${SECRET}`, 'tool --api-key [REDACTED]'],
  ['an option in capitals', `tool --clientSecret=${SECRET}`, 'tool --clientSecret=[REDACTED]'],
  [
    'a header',
    `curl -H "Authorization: Bearer ${SECRET}" https://a.test`,
    'curl -H "Authorization: Bearer [REDACTED]" https://a.test',
  ],
  ['a header of a kind', `curl -H 'X-Api-Key: ${SECRET}' a.test`, "curl -H 'X-Api-Key: [REDACTED]' a.test"],
  ['a header without a scheme', `Authorization: ${SECRET}`, 'Authorization: [REDACTED]'],
  ['a basic header', `Authorization: Basic ${SECRET}==`, 'Authorization: Basic [REDACTED]'],
  ['a bearer alone', `sent bearer ${SECRET}.`, 'sent bearer [REDACTED]'],
  ['an address', `postgres://ann:${SECRET}@db.test/x`, 'postgres://ann:[REDACTED]@db.test/x'],
  ['an address without user', `redis://:${SECRET}@db.test`, 'redis://:[REDACTED]@db.test'],
  ['an address whose secret holds signs', `amqp://a.b:${SECRET}@x#y/@db.test`, 'amqp://a.b:[REDACTED]@x#y/@db.test'],
  ['a query', `https://a.test/?access_token=${SECRET}&x=1`, 'https://a.test/?access_token=[REDACTED]&x=1'],
  ['a key of a query', `https://a.test/?x=1&key=${SECRET}`, 'https://a.test/?x=1&key=[REDACTED]'],
  ['a signature', `https://a.test/?X-Amz-Signature=${SECRET}`, 'https://a.test/?X-Amz-Signature=[REDACTED]'],
  ['a field', `{"password": "${SECRET}", "a": 1}`, '{"password": "[REDACTED]", "a": 1}'],
  ['a field of JSON in JSON', `{"body":"{\\"token\\":\\"${SECRET}\\"}"}`, '{"body":"{\\"token\\":\\"[REDACTED]\\"}"}'],
  ['a field of Python', `{'api_key': '${SECRET}'}`, "{'api_key': '[REDACTED]'}"],
  ['a pair', `[{"name":"DB_PASSWORD","value":"${SECRET}"}]`, '[{"name":"DB_PASSWORD","value":"[REDACTED]"}]'],
  ['a pair backwards', `{"value":"${SECRET}","name":"api_key"}`, '{"value":"[REDACTED]","name":"api_key"}'],
  ['mysql', `mysql -u root -p${SECRET} db`, 'mysql -u root -p[REDACTED] db'],
  ['sshpass', `sshpass -p ${SECRET} ssh -p 22 a.test`, 'sshpass -p [REDACTED] ssh -p 22 a.test'],
  ['docker login', `docker login -u ann -p ${SECRET} a.test`, 'docker login -u ann -p [REDACTED] a.test'],
  ['redis-cli', `redis-cli -h a.test -a ${SECRET} ping`, 'redis-cli -h a.test -a [REDACTED] ping'],
  ['curl -u', `curl -s -u ann:${SECRET} https://a.test`, 'curl -s -u ann:[REDACTED] https://a.test'],
  ['curl --user', `curl --user ann:${SECRET} https://a.test`, 'curl --user ann:[REDACTED] https://a.test'],
  ['a connection string', `Server=a;User Id=b;Password=${SECRET};`, 'Server=a;User Id=b;Password=[REDACTED];'],
]

const dashes = '-----'
const pem = (kind: string, body: string, end = true) =>
  `${dashes}BEGIN ${kind}${dashes}\n${body}\n${end ? `${dashes}END ${kind}${dashes}` : ''}`

const HARMLESS: readonly string[] = [
  '',
  'hello world',
  'mkdir -p /srv/x',
  'mkdir -p a && mkdir -p b',
  'cp -p a b',
  'cp -rp src dst',
  'ssh -p 2222 host',
  'scp -P 22 a b',
  'docker run -p 8080:80 image',
  'docker run -u 1000:1000 image',
  'psql -p 5432 -U ann',
  'nmap -p 80 host',
  'tar -xpf a.tar',
  'foo-path bar',
  'git commit -m "rotate the token"',
  'token_count=12',
  'token_count: 12',
  'max_tokens=4096',
  '--max-tokens 4096',
  '--token-count 5',
  '--password-file /run/x',
  '--no-password',
  '--key-file=/run/x.pem',
  'PASSWORD_FILE=/run/secrets/db',
  'TOKEN_TYPE=bearer',
  'KEY_SIZE=2048',
  'SECRET_NAME=db-credentials',
  'AWS_REGION=eu-central-1',
  'PATH=/usr/bin:/bin',
  'key=name',
  'sort_key=created_at',
  'primary_key = "id"',
  'foreign key (a) references b(c)',
  'next_token=abc123def456',
  '?page_token=abc123def456',
  'password=$DB_PASSWORD',
  `export API_KEY=$\{API_KEY}`,
  'token=token',
  'token = getToken()',
  'const password = config.password',
  'apiKey=process.env.API_KEY',
  'api_key=os.environ["API_KEY"]',
  'password: string',
  'password: true',
  'secret: null',
  'the password is wrong',
  'Password: ',
  'enter your password: ',
  'pass=3 fail=0',
  'tests passed: 12',
  'Bearer authentication is required',
  'bearer of bad news',
  'basic knowledge of contracts',
  'Authorization: required',
  'Authorization: Bearer $TOKEN',
  'Authorization: Bearer <token>',
  '{"token_count": 5, "max_tokens": 100}',
  '{"name": "city", "value": "Rome"}',
  '{"key": "color", "value": "red"}',
  '{"password": null}',
  '{"password": ""}',
  'https://a.test/x?y=z',
  'https://a.test/?q=secret+garden',
  'https://ann@a.test/x',
  'http://host:80/x@y',
  'git@a.test:b/c.git',
  'sk-short',
  'task-force-of-many-people-and-things',
  'risk-assessment-for-the-next-quarter',
  'AKIA',
  'eyJ',
  'xox-1',
  'the keyboard is broken',
  'monkey=banana',
  'author: Ann Smith',
  'authority=local',
  'tokenizer=bpe',
  'a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0',
  '550e8400-e29b-41d4-a716-446655440000',
  'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ',
  'curl -u https://a.test',
  'mysql --port 3306 db',
  'ls -la | grep -i password',
  `${dashes}BEGIN CERTIFICATE${dashes}\nMIIB\n${dashes}END CERTIFICATE${dashes}`,
  `${dashes}BEGIN PUBLIC KEY${dashes}\nMIIB\n${dashes}END PUBLIC KEY${dashes}`,
]

/** What a maintained scanner finds in a text: where each secret stands. */
async function scannerFinds(text: string): Promise<readonly string[]> {
  const { messages } = await lintSource({
    source: { content: text, filePath: '/sample.txt', ext: '.txt', contentType: 'text' },
    options: { config: { rules: [{ id: 'preset', rule: recommended }] } },
  })
  return messages.map(({ range }) => text.slice(range[0], range[1])).filter((secret) => !secret.includes(REDACTED))
}

describe('secrets of known issuers', () => {
  it.each(TOKENS)('%s: nothing of it is left, wherever it stands', (_, secret) => {
    const contexts = [
      secret,
      `x ${secret} y`,
      `a="${secret}"`,
      `(${secret})`,
      `{"note":"${secret}"}`,
      `first\n${secret}\nlast`,
    ]
    for (const text of contexts) {
      const redacted = redactText(text)
      expect(redacted).toContain(REDACTED)
      expect(redacted).not.toContain(secret.slice(-12))
      expect(redacted).toBe(text.replace(secret.replace('https://', ''), REDACTED).replace(secret, REDACTED))
    }
  })
})

describe('secrets by what stands around them', () => {
  it.each(PLACED)('%s', (_, text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  it('private keys of every kind, whole or cut off', () => {
    for (const kind of ['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED ', 'DSA '].map((name) => `${name}PRIVATE KEY`)) {
      const text = `before\n${pem(kind, alnum(200))}\nafter`
      expect(redactText(text)).toBe(
        `before\n${dashes}BEGIN ${kind}${dashes}[REDACTED]${dashes}END ${kind}${dashes}\nafter`,
      )
      expect(redactText(`before ${pem(kind, alnum(200), false)}`)).toBe(
        `before ${dashes}BEGIN ${kind}${dashes}[REDACTED]`,
      )
    }
  })

  it('at least sixty kinds are known, and as many harmless texts', () => {
    expect(TOKENS.length + PLACED.length).toBeGreaterThanOrEqual(60)
    expect(HARMLESS.length).toBeGreaterThanOrEqual(60)
  })
})

describe('harmless texts', () => {
  it.each(HARMLESS)('%j stays as it is', (text) => {
    expect(redactText(text)).toBe(text)
  })
})

describe('beside a maintained scanner', () => {
  it('what it finds in any sample is hidden, and it finds nothing in what is left', async () => {
    const samples = [
      ...TOKENS.map(([, secret]) => `value ${secret} end`),
      ...PLACED.map(([, text]) => text),
      pem('RSA PRIVATE KEY', alnum(300)),
    ]
    let found = 0
    for (const text of samples) {
      const redacted = redactText(text)
      for (const secret of await scannerFinds(text)) {
        found++
        expect([text, redacted.includes(secret)]).toEqual([text, false])
      }
      expect([redacted, await scannerFinds(redacted)]).toEqual([redacted, []])
    }
    expect(found).toBeGreaterThan(15)
  })

  it('it finds nothing in the harmless texts either', async () => {
    for (const text of HARMLESS) expect([text, await scannerFinds(text)]).toEqual([text, []])
  })
})

describe('redaction', () => {
  const piece = fc.oneof(
    fc.constantFrom(...TOKENS.map(([, secret]) => secret), ...PLACED.map(([, text]) => text), ...HARMLESS),
    fc.constantFrom(
      ' ',
      '\n',
      '"',
      "'",
      '=',
      ':',
      '&',
      '://',
      '@',
      '--',
      'password',
      'token=',
      'Bearer ',
      '[REDACTED]',
      '\\"',
      'x',
    ),
    fc.string({ maxLength: 8 }),
  )
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))

  it('is idempotent', () => {
    fc.assert(
      fc.property(text, (given) => {
        const once = redactText(given)
        expect(redactText(once)).toBe(once)
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    'eyJ',
    'eyJ-',
    'sk-',
    'sk-ant-',
    'password=',
    '"password":',
    '"password":"',
    '--token ',
    'mysql ',
    'curl -u ',
    'curl -u a:',
    '://a:',
    '://:@',
    'Bearer ',
    'authorization: ',
    `${dashes}BEGIN PRIVATE KEY${dashes}`,
    "'key': '",
    '"value":"',
    'a.',
    'a-a:',
    '  - password: ',
    'A_KEY = ',
    '?key=',
    '\\"token\\":\\"',
  ])('ends in time linear in the text: %j over and over', (part) => {
    const text = part.repeat(Math.ceil(600_000 / part.length))
    expect(redactText(redactText(text))).toBe(redactText(text))
  })

  it('of arguments reads bytes, maps, sets and pairs', () => {
    const [, secret] = TOKENS[0] as [string, string]
    expect(
      new RedactionPolicy().redactArgs({
        bytes: Buffer.from(`a ${secret}`),
        map: new Map([['password', 'x']]),
        set: new Set([secret]),
        url: new URL('https://a:b@c.test/'),
        env: [
          { name: 'DB_PASSWORD', value: 'x' },
          { name: 'CITY', value: 'Rome' },
        ],
      }),
    ).toEqual({
      bytes: 'a [REDACTED]',
      map: { password: REDACTED },
      set: [REDACTED],
      url: 'https://a:[REDACTED]@c.test/',
      env: [
        { name: 'DB_PASSWORD', value: REDACTED },
        { name: 'CITY', value: 'Rome' },
      ],
    })
  })
})
