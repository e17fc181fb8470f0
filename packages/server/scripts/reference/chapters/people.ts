import type { Chapter } from '../chapter.ts'

export const people: Chapter = {
  tag: 'people',
  description:
    'Members of a tenant and their roles, invitations, sessions, second factors, and what administrators did.',
  fields: {
    user_id: 'Id of the user: the same in every tenant of theirs.',
    tenant_id: 'Id of the tenant.',
    email: 'E-mail address.',
    joined_at: 'When they became a member.',
    invited_at: 'When they were invited; null for the first administrator.',
    second_factor: 'Whether they sign in with a second factor.',
    id: 'Id of the invitation, session or act.',
    invited_by: 'Who invited: an e-mail address, or the id of a program.',
    expired: 'Whether its time is up; inviting the same address again makes a new link.',
    link: 'To be opened by the person alone: good once. It is in this answer and nowhere else.',
    mail: '`sent`; `failed`, and the link is to be handed over; or `off`: this server sends no mail.',
    token: 'What stands behind `#` in the link.',
    password: 'At least 12 characters for a new one, at most 1,024.',
    code: 'Six digits of the second factor, or one of the codes for when the device is lost.',
    tenant_name: 'What the organisation is called.',
    has_account: 'Whether there is an account with this address: its password is asked for, else a new one is chosen.',
    slug: 'Short name of the tenant.',
    name: 'What the organisation is called.',
    kind: '`team`, or `personal`: of one person.',
    status: 'Of a tenant `active` or `suspended`; of an act the status of the answer, null while it is under way.',
    current: 'Whether it is the one that this request came with.',
    tenant: 'Short name of the tenant that the session is in.',
    method: 'How the person signed in: `password`, `local`, or `sso:` and the provider.',
    address: 'IP address that it was opened from.',
    user_agent: 'What the browser called itself then.',
    ended: 'How many sessions ended.',
    present_password: 'The one that is in force.',
    enabled: 'Whether a second factor is in force.',
    recovery_codes_left: 'How many codes for a lost device were not used.',
    secret: 'For authenticators, base32.',
    uri: 'The same as an `otpauth://` address, to be shown as a QR code.',
    recovery_codes: 'Each lets in once in place of a code. Shown this once.',
    actor: 'Who: an e-mail address, or the id of a program.',
    principal: 'Whose access it was, unique within the tenant.',
    action: 'Method and path of the route.',
    target: 'What it was about: values of its path.',
    details: 'What else of it is kept; never a secret.',
    at: 'When it was begun.',
    limit: 'At most so many, up to 500.',
    before: 'Only those before this instant.',
    message: 'What happened, in a sentence.',
  },
  operations: {
    'GET /api/v1/members': { notes: 'In the order in which they joined.' },
    'PUT /api/v1/members/:user_id': {
      notes:
        'In force for whatever they do next; streams that are open end. Administrators change roles up to their own; only owners make and change owners. The last owner stays one: 409.',
    },
    'DELETE /api/v1/members/:user_id': {
      notes: 'Their sessions in this tenant end, and so do their API keys of the runtime. The last owner stays: 409.',
    },
    'POST /api/v1/auth/tenant/leave': { notes: 'The last owner cannot: 409.' },
    'POST /api/v1/invitations': {
      notes:
        'A link that is good once, for this address, for seven days; it is mailed where `LICTOR_SMTP_HOST` is set. To the same address again makes a new link, and the one before opens nothing any more. The role is `member` unless said otherwise; only owners invite owners.',
    },
    'GET /api/v1/invitations': { notes: 'Newest first, also those that ran out. Without their links.' },
    'DELETE /api/v1/invitations/:id': { notes: 'Its link opens nothing any more.' },
    'POST /api/v1/auth/invitation': { notes: 'Opening the link asks this. It may be asked as often as one likes.' },
    'POST /api/v1/auth/invitation/accept': {
      notes:
        'Whoever is signed in accepts as who they are, which must be the invited address; else `password` is that of the account with this address, or of a new one. Of several uses of one link exactly one wins, the others are 409.',
      answers: { 'Set-Cookie': '`edictum_session`, for who was not signed in.' },
    },
    'POST /api/v1/auth/password-reset': {
      notes:
        'Answered alike, and as fast, whether there is such an account or not. 501 where this server sends no mail.',
    },
    'POST /api/v1/auth/password-reset/complete': {
      notes: 'The link is used up, and every session of the person ends.',
    },
    'POST /api/v1/members/:user_id/password-reset': {
      notes:
        'For where no mail is sent: the link is good once, for an hour. Refused for somebody who is a member of other tenants, too, unless by those who look after the installation.',
    },
    'DELETE /api/v1/members/:user_id/second-factor': {
      notes: 'For who lost both the device and the codes. Refused as above.',
    },
    'GET /api/v1/auth/tenants': { notes: 'Also those that are suspended.' },
    'PUT /api/v1/auth/tenant': {
      notes: 'The session keeps its cookie; open streams of it end. A session of single sign-on stays in its tenant.',
    },
    'DELETE /api/v1/tenant': {
      notes:
        'By an owner, who names the tenant. Everything of it stops at once; its records stay in the database, out of reach. The first tenant of an installation cannot be deleted.',
    },
    'DELETE /api/v1/auth/sessions/:id': { notes: 'Its open streams end, too.' },
    'DELETE /api/v1/auth/sessions': { notes: 'In all tenants.' },
    'GET /api/v1/auth/second-factor': {},
    'GET /api/v1/auth/sessions': { notes: 'Newest first, in all tenants.' },
    'POST /api/v1/auth/second-factor': { notes: 'Not in force before it is confirmed with a code.' },
    'POST /api/v1/auth/second-factor/confirm': {
      notes: 'From now on a password lets nobody in without a code. A code is taken once.',
    },
    'POST /api/v1/auth/second-factor/remove': { notes: 'Takes a code, or one for a lost device.' },
    'PUT /api/v1/auth/password': { notes: 'Every other session of the person ends.' },
    'GET /api/v1/administration/acts': {
      notes:
        'Every change that took an administrator or an owner, whoever made it and over whichever half. It is written down before it is made.',
    },
  },
}

export const tenants: Chapter = {
  tag: 'tenants',
  description:
    'The tenants of an installation, for administrators of its first one, people and programs (`aegis:admin`).',
  fields: {
    slug: 'Short name: 1 to 63 of small letters, digits and `-`, which stands neither first nor last.',
    display_name: 'What the organisation is called.',
    kind: '`team`; or `personal`, of one person, where the slug begins with `u-`.',
    status: '`active`, `suspended` or `deleted`.',
    tier: '`free`, `pro`, `business`, `enterprise` (the default) or `system`.',
    keycloak_realm: 'The realm that clients of AEGIS expect.',
    openbao_namespace: 'The namespace that clients of AEGIS expect.',
    quotas: 'Of the tier, or what was set in their place.',
    max_concurrent_executions: 'Executions at once.',
    max_agents: 'Agents that are deployed.',
    max_storage_gb: 'Files of volumes, in gigabytes.',
    created_at: 'When it was made.',
    updated_at: 'When it was last changed.',
    deleted_at: 'When it was deleted.',
    tenants: 'All of them.',
    items: 'The same again.',
    count: 'How many there are.',
    id: 'Id of the tenant or invitation.',
    email: 'E-mail address.',
    role: 'What the person will be in the tenant: `owner` unless said otherwise.',
    expires_at: 'Until when the link is good.',
    link: 'To be opened by the person alone: good once. It is in this answer and nowhere else.',
    mail: '`sent`; `failed`, and the link is to be handed over; or `off`: this server sends no mail.',
  },
  operations: {
    'GET /v1/admin/tenants': { notes: 'Oldest first; deleted ones are left out.' },
    'GET /v1/admin/tenants/:slug': {},
    'PUT /v1/admin/tenants/:slug/quotas': { notes: 'What is left out stays.' },
    'POST /v1/admin/tenants/:slug/invitations': {
      notes: 'Whoever accepts is a member with this role. A personal tenant takes one owner and nobody else.',
    },
    'POST /v1/admin/tenants': {
      notes:
        'With a signing key of its own, and nobody in it: invite its first owner. A slug stays taken after a tenant was deleted.',
    },
    'POST /v1/admin/tenants/:slug/suspend': {
      notes:
        'Its sessions and keys are refused with 403 `tenant_suspended`, streams end, executions and workflows are cancelled. Nothing is lost; again changes nothing. The first tenant cannot be suspended.',
    },
    'POST /v1/admin/tenants/:slug/resume': { notes: 'Sessions and keys are good again; what was cancelled stays so.' },
    'DELETE /v1/admin/tenants/:slug': {
      notes: 'As suspending it, and for good: its records stay in the database, out of reach.',
    },
  },
}

export const colony: Chapter = {
  tag: 'colony',
  description: "Members and invitations as clients of AEGIS know them: a colony is the caller's tenant.",
  fields: {
    id: 'Id of the user; of somebody who is invited that of the invitation.',
    user_id: 'Id of the user, or of the invitation.',
    email: 'E-mail address.',
    invitee_email: 'The same under the name of other clients.',
    name: 'The e-mail address.',
    role: '`owner`, `admin`, `member` (the default) or `viewer`.',
    status: '`active`, `invited` or `pending`; of a change what was done.',
    invited_at: 'When they were invited.',
    joined_at: 'When they became a member; null for who is invited.',
    members: 'Members, then who is invited.',
    items: 'The same again.',
    count: 'How many there are.',
    limit: 'At most so many, up to 1,000.',
    invitation: 'The invitation, with its link.',
    invitations: 'Newest first.',
    team_id: 'Id of the tenant.',
    tenant_id: 'Id of the tenant.',
    token: 'Accepts the invitation once. In this answer and nowhere else.',
    link: 'To be opened by the person alone. In this answer and nowhere else.',
    saml: 'The same again; null while there is none.',
    entity_id: 'How the provider names itself, exactly; empty while there is none.',
    sso_url: 'Where it takes requests by HTTP-Redirect: an `https` address.',
    certificate: 'PEM, several one after the other while the provider changes its key. RSA from 2048 bits.',
    configured: 'Whether there is one.',
    sp_entity_id: 'How this server names itself to the provider, and the audience of its assertions.',
    acs_url: 'Where the provider lets a browser post its answer.',
    metadata_url: 'Where the provider may read both.',
    expires_at: 'Until when it is good.',
    success: 'Always true.',
    updated: 'Always true.',
    teams: 'In no particular order.',
    slug: 'Short name of the tenant; left out, one is made of the long name.',
    display_name: 'What it is called.',
    tier: '`free`, `pro`, `business`, `enterprise` or `system`.',
    features: 'What this server has for the tenant.',
    quota_usage: 'What there is of what, and how much there may be; a limit that is null is none.',
    concurrent_executions: 'Executions under way.',
    agents: 'Agents of the tenant.',
    storage_bytes: 'Bytes that its volumes may hold.',
    used: 'How much there is.',
    members_used: 'Members of the tenant.',
    members_limit: 'How many members the tier is meant for. It bounds nothing.',
    seat_count: 'Seats that were bought.',
    is_team: 'False for the tenant of one person.',
    current_period_end: 'Until when it is paid; null where nothing was bought.',
    created_at: 'When it was made.',
  },
  operations: {
    'GET /v1/colony/members': { notes: 'In the order in which they joined; who is invited last.' },
    'GET /v1/colony/invitations': {},
    'DELETE /v1/colony/invitations/:id': { notes: 'Its link opens nothing any more.' },
    'DELETE /v1/colony/members/:user_id': { notes: 'The last owner stays: 409.' },
    'POST /v1/colony/members': { notes: 'Takes `email` or `invitee_email`, and a role.' },
    'POST /v1/colony/invitations': { notes: 'The same.' },
    'POST /v1/colony/invitations/:token/accept': {
      notes: 'As the person of the session or key, whose address must be the invited one.',
    },
    'GET /v1/colony/subscription': { notes: 'Of the tenant in which the request acts.' },
    'GET /v1/colony/teams': { notes: 'For people, signed in at their own account.' },
    'POST /v1/colony/teams': {
      notes: 'The person becomes its owner. Where tiers limit tenants, by operators alone: 402.',
    },
    'DELETE /v1/colony/teams/:team_id': { notes: 'By an owner of it. Everything of it stops.' },
    'PUT /v1/colony/roles': { notes: 'The last owner stays one: 409.' },
    'GET /v1/colony/saml': { notes: 'Takes an owner, or a service account that looks after the installation.' },
    'PUT /v1/colony/saml': {
      notes:
        'Takes an owner, or a service account that looks after the installation. Where tiers limit tenants, of the tier enterprise alone: 403 `enterprise_only`.',
    },
    'PATCH /v1/colony/members/:user_id': { notes: 'The same.' },
  },
}

export const singleSignOn: Chapter = {
  tag: 'single sign-on',
  description: 'Members of a tenant sign in at a provider of its own, by OpenID Connect or by SAML 2.0.',
  fields: {
    provider: 'Null: there is none.',
    issuer: 'Address of the issuer, exactly as it names itself.',
    client_id: 'What this server is called there.',
    client_secret: 'Kept sealed and never shown; left out, the one that is kept stays.',
    label: 'What the login page calls it.',
    new_members:
      'What somebody becomes of whom the provider is the first to tell; null: only who was invited comes in.',
    redirect_uri: 'To be registered at the provider; it begins with `LICTOR_BASE_URL`.',
    tenant: 'Short name of the tenant; `default` where it is left out.',
    next: 'Path of the console to go on to.',
    oidc: 'Null: there is none.',
    saml: 'Null: there is none.',
    metadata: 'XML of the provider; with it, `entity_id`, `sso_url` and `certificate` are left out.',
    entity_id: 'How the provider names itself, exactly.',
    sso_url: 'Where it takes requests by HTTP-Redirect: an `https` address.',
    certificate:
      'Whose key signs its assertions: PEM, several one after the other while the provider changes its key, or one in base64. RSA from 2048 bits.',
    certificates: 'What they are. One that has expired counts no more.',
    subject: 'Whose it is.',
    fingerprint: 'SHA-256 over its bytes.',
    expires_at: 'When it ends.',
    is_expired: 'Whether it has ended.',
    sp_entity_id: 'How this server names itself to the provider, and the audience of its assertions.',
    acs_url: 'Where the provider lets a browser post its answer; it begins with `LICTOR_BASE_URL`.',
    metadata_url: 'Where the provider may read both.',
    ticket: 'Of the redirect before; good once, for a minute.',
    start: 'Where to send the browser.',
    callback: 'As OAuth 2 says.',
    device_code: 'What to ask with; known to the terminal alone.',
    user_code: 'What the person types in.',
    verification_uri: 'Where they type it in.',
    verification_uri_complete: 'The same with the code in it; null where the provider has none.',
    expires_in: 'How long the code may be typed in, in seconds.',
    interval: 'How many seconds to wait before asking again; null where there is nothing more to ask.',
    status:
      '`slow_down`: asked before the interval was over, or the provider wants a longer one. `approved`: the answer sets the cookie of the session. `denied`, `expired`: begin again.',
  },
  operations: {
    'GET /api/v1/sso/oidc': { notes: 'Without its secret.' },
    'PUT /api/v1/sso/oidc': {
      notes:
        'The authorization code flow with PKCE and a nonce, scopes `openid email profile`. Somebody is found by the id that the provider gives them, the first time by a verified e-mail address among the members. Who has an account and is no member accepts an invitation first. Passwords go on working.',
    },
    'DELETE /api/v1/sso/oidc': { notes: 'Sessions that are open go on until they end.' },
    'GET /api/v1/auth/sso': {},
    'GET /api/v1/sso/saml': {},
    'PUT /api/v1/sso/saml': {
      notes:
        'The assertion must be signed, for this server, in answer to a request of this server that nobody answered yet. Somebody is found by the name that the provider gives them, the first time by an e-mail address that it says, among the members.',
    },
    'DELETE /api/v1/sso/saml': { notes: 'Sessions that are open go on until they end.' },
    'GET /api/v1/auth/saml/start': {
      notes: 'Redirects to the provider, or to the login page with what is wrong as `problem`.',
    },
    'GET /api/v1/auth/saml/:tenant/metadata': {
      notes: 'The same for every short name, whether there is such a tenant or not.',
    },
    'POST /api/v1/auth/saml/:tenant/acs': {
      notes:
        'Takes `SAMLResponse` in a form of at most 256 KiB; `RelayState` is not looked at. Redirects to where the browser gets its session, or to the login page with what is wrong as `problem`.',
    },
    'GET /api/v1/auth/saml/complete': {
      notes:
        'Only for the browser that was sent to the provider. The session stays in its tenant, and changes nothing of the account.',
    },
    'POST /api/v1/auth/oidc/device': {
      notes:
        'The device flow (RFC 8628) at the provider of the tenant: `lictor login` shows the address and the code. The provider must allow it to the client that is configured.',
    },
    'POST /api/v1/auth/oidc/device/poll': {
      notes:
        'The provider is asked at most once in an interval, whichever server is asked. The session is one of single sign-on: it stays in its tenant, and changes nothing of the account.',
    },
    'GET /api/v1/auth/oidc/start': {
      notes: 'Redirects to the provider, or to the login page with what is wrong as `problem`.',
    },
    'GET /api/v1/auth/oidc/callback': {
      notes:
        'Each answer is taken once, within ten minutes, from the browser that asked. The session stays in its tenant, and changes nothing of the account: password, second factor, other sessions.',
    },
  },
}
