import { createPrivateKey, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import * as browser from './browser.ts'
import * as node from './index.ts'
import { SEALError } from './index.ts'

const NOW = 1_800_000_000
const key = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
})
const publicKey = node.Ed25519Key.fromSeed(new Uint8Array(32).fill(7)).getPublicKeyBase64()

const claims = {
  sub: 's',
  exec_id: 'e',
  scp: 'c',
  wid: 'w',
  iss: 'aegis-orchestrator',
  aud: 'aegis-agents',
  iat: NOW - 10,
  exp: NOW + 10,
  jti: 'j',
  tenant_id: 't',
}
const url = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64url')
const good = JSON.stringify(claims)
/** The claims as text, with members put in the place of others or added. */
const withMembers = (...members: [string, string][]) => {
  const kept = Object.entries(claims).filter(([name]) => !members.some(([changed]) => changed === name))
  const written = [...kept.map(([name, value]) => [name, JSON.stringify(value)] as const), ...members]
  return `{${written.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`
}
const without = (name: keyof typeof claims) => JSON.stringify({ ...claims, [name]: undefined })
function signed(payload: string | Buffer, header: string | Buffer = '{"alg":"EdDSA","typ":"JWT"}'): string {
  const text = `${url(header)}.${url(payload)}`
  return `${text}.${url(sign(null, Buffer.from(text), key))}`
}

const INVALID = 'token_invalid'
const EXPIRED = 'token_expired'
type Case = readonly [what: string, token: string, expected: 'accept' | typeof INVALID | typeof EXPIRED]
const cases: readonly Case[] = [
  ['all claims', signed(good), 'accept'],
  ['claims that nobody knows', signed(withMembers(['task_summary', '"x"'], ['__proto__', '{"sub":"x"}'])), 'accept'],
  ['a header that says more', signed(good, '{"typ":"at+jwt","kid":"../x","alg":"EdDSA","jku":"https://x"}'), 'accept'],
  ['blanks in its JSON', signed(` ${good.replaceAll(',', ' ,\n')} `), 'accept'],
  ['the last second', signed(withMembers(['exp', String(NOW + 1)])), 'accept'],
  ['half a second left', signed(withMembers(['exp', `${NOW}.5`])), 'accept'],
  ['an exponent', signed(withMembers(['exp', '1.80000001e9'])), 'accept'],
  ['a life of 24 hours', signed(withMembers(['iat', String(NOW)], ['exp', String(NOW + 86_400)])), 'accept'],
  [
    'no iat, and a life of 24 hours',
    signed(withMembers(['exp', String(NOW + 86_400)]).replace(/"iat":\d+,/, '')),
    'accept',
  ],
  ['nbf now', signed(withMembers(['nbf', String(NOW)])), 'accept'],
  ['its end now', signed(withMembers(['exp', String(NOW)])), EXPIRED],
  ['its end before the epoch', signed(withMembers(['exp', '-1'])), EXPIRED],
  ['its end at zero', signed(withMembers(['exp', '-0'])), EXPIRED],
  [
    'a life of 24 hours and a second',
    signed(withMembers(['iat', String(NOW)], ['exp', String(NOW + 86_401)])),
    INVALID,
  ],
  ['no iat, and a longer life', signed(withMembers(['exp', String(NOW + 86_401)]).replace(/"iat":\d+,/, '')), INVALID],
  ['an end beyond 2^53', signed(withMembers(['exp', '99999999999999999999'])), INVALID],
  ['an end that no double holds', signed(withMembers(['exp', '1e400'])), INVALID],
  ...['"1800000010"', 'null', 'true', '[1800000010]', '{}'].map(
    (exp) => [`the end ${exp}`, signed(withMembers(['exp', exp])), INVALID] as const,
  ),
  ['a text for iat', signed(withMembers(['iat', '"1"'])), INVALID],
  ['nbf a second ahead', signed(withMembers(['nbf', String(NOW + 1)])), INVALID],
  ['a text for nbf', signed(withMembers(['nbf', `"${NOW}"`])), INVALID],
  ['an end twice', signed(good.replace('{', `{"exp":${NOW + 5},`)), INVALID],
  ['a context twice', signed(good.replace('{', '{"scp":"other",')), INVALID],
  ['a context twice, escaped', signed(good.replace('{', '{"\\u0073cp":"other",')), INVALID],
  ['an algorithm twice', signed(good, '{"alg":"none","alg":"EdDSA"}'), INVALID],
  ['an empty audience', signed(withMembers(['aud', '[]'])), INVALID],
  ['an audience in a list in a list', signed(withMembers(['aud', '[["aegis-agents"]]'])), INVALID],
  ['an audience that begins like ours', signed(withMembers(['aud', '"aegis-agents-x"'])), INVALID],
  ['an issuer in a list', signed(withMembers(['iss', '["aegis-orchestrator"]'])), INVALID],
  ['an issuer of another case', signed(withMembers(['iss', '"Aegis-Orchestrator"'])), INVALID],
  ...(['sub', 'exec_id', 'scp', 'wid', 'jti', 'tenant_id'] as const).flatMap((name) => [
    [`no ${name}`, signed(without(name)), INVALID] as const,
    ...['""', '" \\t"', 'null', '7', '["x"]', '{}'].map(
      (value) => [`${value} for ${name}`, signed(withMembers([name, value])), INVALID] as const,
    ),
  ]),
  ...['eddsa', 'EDDSA', 'Ed25519', 'ES256', 'RS256', 'none', ''].map(
    (alg) => [`the algorithm '${alg}'`, signed(good, JSON.stringify({ alg })), INVALID] as const,
  ),
  ['no algorithm', signed(good, '{"typ":"JWT"}'), INVALID],
  ['a list of algorithms', signed(good, '{"alg":["EdDSA"]}'), INVALID],
  ['an extension that must be understood', signed(good, '{"alg":"EdDSA","crit":["b64"],"b64":false}'), INVALID],
  ['an empty list of extensions', signed(good, '{"alg":"EdDSA","crit":[]}'), INVALID],
  ['claims that are a list', signed(`[${good}]`), INVALID],
  ['claims that are a text', signed(JSON.stringify(good)), INVALID],
  ['claims that are no JSON', signed('{"sub":'), INVALID],
  ['claims behind a byte order mark', signed(`\ufeff${good}`), INVALID],
  [
    'claims that are no UTF-8',
    signed(Buffer.concat([Buffer.from(good.slice(0, -2)), Buffer.from([0xff]), Buffer.from('"}')])),
    INVALID,
  ],
  ['claims of a thousand levels', signed(withMembers(['x', '['.repeat(1000) + ']'.repeat(1000)])), INVALID],
  ['padding', signed(good).replace(/$/, '='), INVALID],
  ['a blank behind it', `${signed(good)} `, INVALID],
  ['a line break before it', `\n${signed(good)}`, INVALID],
  ['an empty signature', signed(good).replace(/[^.]*$/, ''), INVALID],
  ['no signature', signed(good).replace(/\.[^.]*$/, ''), INVALID],
  ['four parts', `${signed(good)}.x`, INVALID],
  ['standard base64', signed(good).replace('.', '+.'), INVALID],
  ['another spelling of its last character', respelled(signed(good)), INVALID],
  ['a megabyte', signed(withMembers(['x', JSON.stringify('x'.repeat(1_000_000))])), INVALID],
  ['nothing', '', INVALID],
]

/** The same bytes to a lenient reader: unused bits of the last character are set. */
function respelled(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1)
}

describe.each([
  ['Node', node],
  ['browsers', browser],
])('a security token in %s', (_name, entry) => {
  it.each(cases)('with %s', async (_what, token, expected) => {
    const verified = (async () =>
      entry.verifySecurityToken(token, {
        key: publicKey,
        algorithm: 'EdDSA',
        issuer: claims.iss,
        audience: claims.aud,
        now: () => NOW * 1000 + 400,
      }))()
    if (expected === 'accept') return expect((await verified).claims).toMatchObject({ sub: 's', scp: 'c' })
    const error: unknown = await verified.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SEALError)
    expect(error).toMatchObject({ reason: expected, code: expected === EXPIRED ? 1003 : 1004, httpStatus: 401 })
    expect((error as Error).message).not.toContain(token === '' ? 'no token' : token)
  })
})
