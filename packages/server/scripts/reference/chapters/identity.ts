import type { Chapter } from '../chapter.ts'

export const identity: Chapter = {
  tag: 'identity',
  description: 'People, their sessions, API keys of agents and service accounts of programs.',
  fields: {
    email: 'E-mail address: who signs in, as it was given.',
    code: 'Of the second factor, where the account has one: six digits, or a code for a lost device.',
    password: 'At most 1,024 characters.',
    tenant_name: 'What the organisation is called, at most 255 characters; absent: `Default`.',
    is_admin: 'Whether this person may manage keys, channels and service accounts: the role is `admin` or `owner`.',
    is_operator: 'Whether this person looks after the installation: an administrator of its first tenant, in it.',
    secret: 'From `local-access.json` in the data folder; new at every start of the server.',
    key_id: 'Id of the key, as the list shows it.',
    env: 'The one environment that the key reaches.',
    label: 'What the key is for, at most 255 characters; null where nobody said.',
    key: 'The full key: `edk_`, the environment, `_` and 43 random characters. Shown this once.',
    client_id: 'What the program sends as `client_id` to the token endpoint.',
    role: '`aegis:admin`, `aegis:operator` (the default) or `aegis:readonly`: which permissions its tokens hold.',
    scopes: 'Narrows the permissions of the role to these; null or absent: all of the role.',
    name: 'What the account is for, 1 to 200 characters.',
    id: 'Id of the account or key.',
  },
  operations: {
    'POST /api/v1/setup': {
      notes:
        'Makes the tenant and its first administrator, once in the life of a server; of requests that arrive together exactly one succeeds. Afterwards it is answered 409.',
    },
    'POST /api/v1/auth/login': {
      notes:
        'Opens a session and sets its cookie (`HttpOnly`, `SameSite=Lax`, 24 hours unless configured otherwise). Ten attempts an address in five minutes, then 429. An unknown address takes as long as a wrong password. Where the account has a second factor, a right password without `code` is answered 401 `Enter the code of your second factor.`',
      answers: { 'Set-Cookie': '`edictum_session`, the session.' },
    },
    'POST /api/v1/auth/local': {
      notes: 'Opens a session and sets its cookie. Ten wrong secrets an address in a minute, then 429.',
      answers: { 'Set-Cookie': '`edictum_session`, the session.' },
    },
    'POST /api/v1/auth/logout': {
      notes: 'Ends the session of the cookie and deletes the cookie. Without one it is answered alike.',
      answers: { 'Set-Cookie': 'Deletes `edictum_session`.' },
    },
    'GET /api/v1/auth/me': { notes: 'The console asks this to learn whether its session still stands.' },
    'POST /api/v1/keys': { emits: ['api_key_created'] },
    'GET /api/v1/keys': { notes: 'Oldest first; revoked keys are left out. The keys themselves are kept nowhere.' },
    'DELETE /api/v1/keys/:key_id': {
      notes: 'Takes effect at once on every node: further calls are 401, and streams opened with the key are closed.',
      emits: ['api_key_revoked'],
    },
    'POST /api/v1/service-accounts': {
      notes: 'The secret is in this answer and nowhere else.',
    },
    'GET /api/v1/service-accounts': { notes: 'Newest first, without their secrets; revoked ones are left out.' },
    'DELETE /api/v1/service-accounts/:id': { notes: 'Takes effect at once, also for tokens that have not expired.' },
  },
}

export const tokens: Chapter = {
  tag: 'tokens',
  description: 'Access tokens of the runtime API, at the paths of the identity provider that AEGIS clients know.',
  fields: {
    realm: 'Name of the realm: small letters, digits and `-`. Every realm leads to this server.',
    access_token: 'A JWT, signed with RS256; send it as `Authorization: Bearer`.',
    expires_in: 'Seconds that the token holds.',
    refresh_expires_in: 'Always 0: there are no refresh tokens; ask for a new token.',
    token_type: 'Always `Bearer`.',
    'not-before-policy': 'Always 0.',
    scope: 'Permissions of the token, separated by spaces.',
    keys: 'JSON Web Keys (RFC 7517).',
    error: 'OAuth 2 error code (RFC 6749, section 5.2).',
    error_description: 'What is wrong, in a sentence.',
    grant_type: 'Always `client_credentials`.',
    client_id: 'Of the service account.',
    client_secret: 'Of the service account.',
  },
  operations: {
    'POST /realms/:realm/protocol/openid-connect/token': {
      notes: 'Sixty requests a minute for one address and client, then 429.',
      body: {
        type: 'application/x-www-form-urlencoded',
        schema: {
          type: 'object',
          required: ['grant_type', 'client_id', 'client_secret'],
          properties: {
            grant_type: { type: 'string', enum: ['client_credentials'] },
            client_id: { type: 'string' },
            client_secret: { type: 'string' },
          },
        },
      },
    },
    'GET /realms/:realm/protocol/openid-connect/certs': {
      notes: 'Whoever is given a token of this server can verify it with these.',
    },
    'GET /realms/:realm/.well-known/openid-configuration': {
      notes: 'Where the token endpoint and the keys are, and what they support.',
    },
  },
}

export const health: Chapter = {
  tag: 'health',
  description: 'Probes for balancers and people, and figures for Prometheus.',
  fields: {
    status: 'State in a word.',
    bootstrap_complete: 'False until the first administrator is created.',
    database: 'The database.',
    redis: 'Redis; counts as connected where this server needs none.',
    connected: 'Whether it answered within two seconds.',
    latency_ms: 'Round trip in milliseconds; null where it did not answer.',
    workers: 'Background workers, by name: `running` or what else they do.',
    worker_status: 'Background workers, by name.',
    version: 'Version of the server.',
    auth_provider: 'How people sign in.',
    base_url_https: 'Whether people reach the server by HTTPS.',
    connected_agents: 'Agents with an open stream, on all nodes.',
    mode: 'Always `live`.',
  },
  operations: {
    'GET /api/v1/health': {
      notes:
        '`degraded` while the database, Redis or a worker is away; the status is 200 even then. Not for balancers: they ask `/api/v1/health/ready`.',
    },
    'GET /api/v1/health/live': { notes: 'The process answers; nothing else is looked at.' },
    'GET /api/v1/health/ready': {
      notes:
        'Whether requests should be sent here: 503 while the database, Redis or a worker is away, or the server drains.',
    },
    'GET /api/v1/health/details': { notes: 'What the status page of the console shows.' },
    'GET /health': { notes: 'The process answers; nothing else is looked at.' },
    'GET /health/live': { notes: 'The process answers; nothing else is looked at.' },
    'GET /health/ready': { notes: '503 while the database or Redis is away.' },
    'GET /metrics': {
      notes:
        'In the text format of Prometheus. What each figure means, and when to be alarmed, is in docs/operations.md.',
    },
  },
}
