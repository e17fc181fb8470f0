/** Failures of people, tenants and colony that the recorded story does not come to, as the code that throws them words them. */

const lastOwner = 'This is the last owner of the tenant. Make somebody else an owner first.'
const tooOften = 'Too many attempts. Please try again later.'
const member = 'bob@example.com is a member of this tenant already.'
const personal = 'A personal tenant has one member. Make a team tenant to work with others.'
const suspended = 'This tenant is suspended. Ask who runs this installation to resume it.'
const unknown = 'There is no invitation of this link, or a newer one was sent.'
const pending = 'This invitation was accepted already.'
const over = 'This invitation has run out. Ask for a new one.'
const foreignPage =
  'A page of another site sent this request. Call from the console, or name its origin in LICTOR_CORS_ORIGINS.'
const unreadable = 'The body is not valid JSON.'
const inForce = 'A second factor is in force. Remove it first.'
const first = 'This tenant looks after the installation; it cannot be deleted.'
const notAllowed = 'Only owners and administrators of the tenant may do this.'
const nobody = 'Nobody with this id is a member of the tenant.'
const person = 'Teams are those of a person: sign in with your own account.'
const invalidBody = 'The body needs the e-mail address of who is invited, as email.'

const ofConsole: Readonly<Record<string, string>> = {
  'PUT /api/v1/auth/tenant 404': 'You are not a member of this tenant.',
  'DELETE /api/v1/tenant 400': "Name the tenant to delete it: its short name is 'acme'.",
  'DELETE /api/v1/tenant 404': 'You are not a member of this tenant.',
  'PUT /api/v1/auth/password 429': tooOften,
  'POST /api/v1/auth/second-factor 409': inForce,
  'POST /api/v1/auth/second-factor/confirm 409': 'A second factor is in force.',
  'POST /api/v1/auth/second-factor/confirm 429': tooOften,
  'POST /api/v1/auth/second-factor/remove 429': tooOften,
  'GET /api/v1/members 403': suspended,
  'DELETE /api/v1/members/{user_id} 409': lastOwner,
  'POST /api/v1/auth/tenant/leave 404': nobody,
  'POST /api/v1/auth/tenant/leave 409': lastOwner,
  'POST /api/v1/invitations 400': personal,
  'POST /api/v1/invitations 409': member,
  'POST /api/v1/invitations 429': tooOften,
  'GET /api/v1/invitations 403': suspended,
  'POST /api/v1/auth/invitation 403': foreignPage,
  'POST /api/v1/auth/invitation 404': unknown,
  'POST /api/v1/auth/invitation 409': pending,
  'POST /api/v1/auth/invitation 410': over,
  'POST /api/v1/auth/invitation 429': tooOften,
  'POST /api/v1/auth/invitation/accept 400': 'Cannot determine client address.',
  'POST /api/v1/auth/invitation/accept 401': 'Invalid email or password.',
  'POST /api/v1/auth/invitation/accept 403':
    'This invitation is for bob@example.com, and you are signed in as ada@example.com. Sign out and open the link again.',
  'POST /api/v1/auth/invitation/accept 404': unknown,
  'POST /api/v1/auth/invitation/accept 410': over,
  'POST /api/v1/auth/invitation/accept 429': tooOften,
  'POST /api/v1/auth/password-reset 403': foreignPage,
  'POST /api/v1/auth/password-reset 429': tooOften,
  'POST /api/v1/auth/password-reset 501':
    'This server sends no mail. Ask an administrator for a link to set a new password.',
  'POST /api/v1/auth/password-reset/complete 403': foreignPage,
  'POST /api/v1/auth/password-reset/complete 429': tooOften,
  'GET /api/v1/sso/oidc 403': 'Your role in this tenant is admin; this takes an owner.',
  'GET /api/v1/sso/saml 403': 'Your role in this tenant is admin; this takes an owner.',
  'POST /api/v1/auth/oidc/device 400': 'The provider has no device flow: nobody signs in there on a terminal.',
  'POST /api/v1/auth/oidc/device 404': 'There is no single sign-on for this tenant.',
  'POST /api/v1/auth/oidc/device 429': tooOften,
  'POST /api/v1/auth/oidc/device 503': 'The provider does not answer. Try again shortly.',
  'POST /api/v1/auth/oidc/device/poll 400': 'This sign-in was not begun here, or was finished already.',
  'POST /api/v1/auth/oidc/device/poll 403':
    'ann@example.com is not a member of this tenant. Ask an administrator to invite you.',
  'POST /api/v1/auth/oidc/device/poll 503': 'The provider does not answer. Try again shortly.',
  'GET /api/v1/administration/acts 403': 'Admin access required.',
}

const ofRuntime: Readonly<Record<string, readonly [code: string, message: string]>> = {
  'DELETE /v1/admin/tenants/{slug} 400': ['malformed_json', unreadable],
  'DELETE /v1/admin/tenants/{slug} 409': ['first_tenant', first],
  'POST /v1/admin/tenants/{slug}/suspend 400': ['malformed_json', unreadable],
  'POST /v1/admin/tenants/{slug}/resume 400': ['malformed_json', unreadable],
  'PUT /v1/admin/tenants/{slug}/quotas 400': ['malformed_json', unreadable],
  'POST /v1/admin/tenants/{slug}/invitations 400': [
    'team_context_required',
    'A personal tenant has one member, its owner.',
  ],
  'POST /v1/admin/tenants/{slug}/invitations 409': ['already_member', member],
  'POST /v1/admin/tenants/{slug}/invitations 429': ['too_many_requests', tooOften],
  'GET /v1/colony/members 403': ['tenant_suspended', suspended],
  'GET /v1/colony/invitations 403': ['tenant_suspended', suspended],
  'DELETE /v1/colony/invitations/{id} 400': ['malformed_json', unreadable],
  'POST /v1/colony/invitations/{token}/accept 400': [
    'invalid_invitation',
    'Invitations are for people: accept it with a session, or with a key of yours.',
  ],
  'POST /v1/colony/invitations/{token}/accept 403': [
    'other_person',
    'This invitation is for bob@example.com, and you are signed in as ada@example.com. Sign out and open the link again.',
  ],
  'POST /v1/colony/invitations/{token}/accept 409': ['invitation_not_pending', pending],
  'POST /v1/colony/invitations/{token}/accept 410': ['invitation_expired', over],
  'DELETE /v1/colony/members/{user_id} 400': ['malformed_json', unreadable],
  'DELETE /v1/colony/members/{user_id} 409': ['last_owner', lastOwner],
  'PATCH /v1/colony/members/{user_id} 403': ['forbidden', notAllowed],
  'PATCH /v1/colony/members/{user_id} 409': ['last_owner', lastOwner],
  'GET /v1/colony/subscription 403': ['tenant_suspended', suspended],
  'GET /v1/colony/teams 403': ['not_a_person', person],
  'POST /v1/colony/teams 400': ['Invalid tier: gold', 'Invalid tier: gold'],
  'POST /v1/colony/teams 402': [
    'personal_tier_too_low',
    'Tenants have tiers here; ask who runs this installation for a team.',
  ],
  'POST /v1/colony/teams 403': ['not_a_person', person],
  'POST /v1/colony/teams 409': ['Tenant slug already exists: research', 'Tenant slug already exists: research'],
  'DELETE /v1/colony/teams/{team_id} 400': ['malformed_json', unreadable],
  'DELETE /v1/colony/teams/{team_id} 403': ['not_a_person', person],
  'DELETE /v1/colony/teams/{team_id} 409': ['first_tenant', first],
  'PUT /v1/colony/saml 403': [
    'enterprise_only',
    'Single sign-on by SAML takes the tier enterprise; this tenant is of the tier pro.',
  ],
  'PUT /v1/colony/roles 400': ['invalid_role', "'king' is no role: it takes owner, admin, member or viewer."],
  'PUT /v1/colony/roles 403': ['forbidden', notAllowed],
  'PUT /v1/colony/roles 404': ['not_found', nobody],
  'PUT /v1/colony/roles 409': ['last_owner', lastOwner],
  ...Object.fromEntries(
    ['POST /v1/colony/members', 'POST /v1/colony/invitations'].flatMap((operation) => [
      [`${operation} 400`, ['invalid_body', invalidBody]],
      [`${operation} 403`, ['forbidden', notAllowed]],
      [`${operation} 409`, ['already_member', member]],
      [`${operation} 429`, ['too_many_requests', tooOften]],
    ]),
  ),
}

export const rareOfPeople: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(Object.entries(ofConsole).map(([name, detail]) => [name, { detail }])),
  ...Object.fromEntries(Object.entries(ofRuntime).map(([name, [error, message]]) => [name, { error, message }])),
}
