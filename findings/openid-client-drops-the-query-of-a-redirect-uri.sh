#!/usr/bin/env bash
# openid-client 6.9.0: authorizationCodeGrant redeems a code with a redirect_uri that has lost its query.
#
# A redirect URI may have a query (RFC 6749, section 3.1.2), and a server asks for the very same one when the code is redeemed
# (section 4.1.3). buildAuthorizationUrl sends it whole. authorizationCodeGrant makes it from the address that the browser came
# back to, and takes every parameter away, not only those of the answer: `/callback?app=x` becomes `/callback`, which the server
# refuses as another one, or answers a second registered address. It works in every test whose callback has no query.
#
# Seen with node 24.21.0:
#   sent to the authorization endpoint: http://localhost:1/callback?app=x
#   sent with the code: http://localhost:1/callback
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact openid-client@6.9.0
cat > seen.mjs <<'JS'
import * as client from 'openid-client'

const sent = {}
const metadata = {
  issuer: 'http://localhost:1',
  authorization_endpoint: 'http://localhost:1/authorize',
  token_endpoint: 'http://localhost:1/token',
}
const config = new client.Configuration(metadata, 'app', 'a-secret')
client.allowInsecureRequests(config)
config[client.customFetch] = async (_url, { body }) => {
  sent.code = new URLSearchParams(body).get('redirect_uri')
  return Response.json({ access_token: 'token', token_type: 'bearer' })
}
const redirect = 'http://localhost:1/callback?app=x'
const verifier = client.randomPKCECodeVerifier()
const to = client.buildAuthorizationUrl(config, {
  redirect_uri: redirect,
  state: 'a-state',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
sent.authorize = to.searchParams.get('redirect_uri')
// The server answers at the registered address, its own parameters added to the query that is there.
const back = new URL(`${redirect}&code=a-code&state=a-state`)
await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: 'a-state' })
console.log(`sent to the authorization endpoint: ${sent.authorize}`)
console.log(`sent with the code: ${sent.code}`)
JS
node seen.mjs | tee seen.txt
diff - seen.txt <<'TXT'
sent to the authorization endpoint: http://localhost:1/callback?app=x
sent with the code: http://localhost:1/callback
TXT
