import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Mail, UserPlus } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { createOnce } from '../../app/once.ts'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Entries, Entry } from '../../ui/entries.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { type RowAction, RowMenu } from '../../ui/row-menu.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { Acts } from './acts.tsx'
import { InvitationLink, Invite, useInvite } from './invite.tsx'
import {
  type Invitation,
  linkForPassword,
  type Member,
  memberQueries,
  type Role,
  removeMember,
  removeSecondFactor,
  setRole,
  takeBack,
} from './queries.ts'
import { ROLES, Roles } from './roles.tsx'
import type { MembersSearch } from './route.ts'

/** A link with which a member sets a new password, until somebody has it. */
const passwordLinks = createOnce<{ email: string; link: string }>()

/** Who belongs to the tenant, who is invited, and what each role may. */
export function MembersPage() {
  const search = useSearch({ from: '/inside/settings/members' })
  const navigate = useNavigate({ from: '/settings/members' })
  const set = (change: MembersSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const me = useQuery(session.me()).data
  const refusal = useRefusal('administer')
  const isAdmin = me !== undefined && refusal === null
  // Nobody gives more than they have themselves.
  const givable = ROLES.slice(0, ROLES.indexOf(me?.role ?? 'viewer') + 1)
  const setInviting = (open: boolean) => set({ invite: open ? true : undefined }, true)
  const tab = search.tab ?? 'members'
  useListKeys(null, 'Members')
  useShortcuts(isAdmin ? [{ keys: 'i', label: 'Invite somebody', group: 'Members', run: () => setInviting(true) }] : [])
  return (
    <Page
      title="Members and roles"
      lead="Who belongs to this tenant, and what each of them may do."
      actions={
        isAdmin && (
          <Button variant="primary" onClick={() => setInviting(true)}>
            <UserPlus aria-hidden /> Invite
          </Button>
        )
      }
    >
      <Tabs
        label="Members and roles"
        value={tab}
        onChange={(next) => void navigate({ search: next === 'members' ? {} : { tab: next } })}
        tabs={[
          { value: 'members', label: 'Members' },
          { value: 'roles', label: 'Roles' },
          ...(isAdmin ? [{ value: 'acts' as const, label: 'What administrators did' }] : []),
        ]}
      >
        <TabPanel value="members">
          {refusal && <Withheld why={`Looking is for all. Inviting and changing: ${refusal}`} className="mb-3" />}
          <MemberList q={search.q} onFilter={(q) => set({ q }, true)} isAdmin={isAdmin} givable={givable} />
          <Invitations isAdmin={isAdmin} />
        </TabPanel>
        <TabPanel value="roles">
          <Roles mine={me?.role} />
        </TabPanel>
        <TabPanel value="acts">{isAdmin ? <Acts before={search.before} /> : <Withheld why={refusal ?? ''} />}</TabPanel>
      </Tabs>
      {isAdmin && <Invite open={search.invite === true} onOpenChange={setInviting} roles={givable} />}
      <InvitationLink />
      <PasswordLink />
    </Page>
  )
}

interface MemberListProps {
  readonly q: string | undefined
  readonly onFilter: (q: string | undefined) => void
  readonly isAdmin: boolean
  readonly givable: readonly Role[]
}

function MemberList({ q, onFilter, isAdmin, givable }: MemberListProps) {
  const members = useQuery(memberQueries.all())
  const me = useQuery(session.me()).data
  const client = useQueryClient()
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const changing = useMutation({
    mutationFn: setRole,
    onSuccess: (member) => toasts.done('Role changed', `${member.email} is ${member.role} now.`, member.user_id),
    onError: (error, { id }) => toasts.failed('The role was not changed', messageOf(error), id),
    onSettled: () => Promise.all(['members', 'me', 'acts'].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  })
  const linking = useMutation({
    mutationFn: async (member: Member) => ({ email: member.email, link: (await linkForPassword(member.user_id)).link }),
    onSuccess: passwordLinks.keep,
    onError: (error) => toasts.failed('No link was made', messageOf(error), 'password link'),
  })
  const all = members.data ?? []
  const isLastOwner = (member: Member) =>
    member.role === 'owner' && all.filter(({ role }) => role === 'owner').length === 1
  /** Who has more than oneself is out of reach. */
  const mayChange = (member: Member) => isAdmin && givable.includes(member.role) && !isLastOwner(member)
  const actionsOf = (member: Member): readonly RowAction[] =>
    isAdmin && givable.includes(member.role)
      ? [
          ...(member.user_id === me?.user_id
            ? []
            : [{ label: 'Link for a new password', onSelect: () => linking.mutate(member) }]),
          ...(member.second_factor && member.user_id !== me?.user_id
            ? [
                {
                  label: 'Remove the second factor',
                  onSelect: () =>
                    ask({
                      title: `Remove the second factor of ${member.email}?`,
                      description:
                        'For who lost both the device and the codes. Their password alone lets them in then.',
                      action: 'Remove it',
                      run: () => removeSecondFactor(member.user_id),
                      done: 'Second factor removed',
                      failed: 'It was not removed.',
                      stale: [['members']],
                    }),
                },
              ]
            : []),
          ...(isLastOwner(member)
            ? []
            : [
                {
                  label: 'Remove from the tenant',
                  grave: true,
                  onSelect: () =>
                    ask({
                      title: `Remove ${member.email}?`,
                      description:
                        'Their sessions in this tenant end at once, and so do their API keys of the runtime. What they made stays.',
                      action: 'Remove member',
                      run: () => removeMember(member.user_id),
                      done: `${member.email} is a member no more`,
                      failed: 'Nobody was removed.',
                      stale: [['members'], ['acts']],
                    }),
                },
              ]),
        ]
      : []
  const shown = all.filter(({ email }) => !q || email.toLowerCase().includes(q.toLowerCase()))
  return (
    <Card className="overflow-hidden">
      <CardHeading aside={all.length > 5 && <FilterField label="Filter by e-mail" value={q} onChange={onFilter} />}>
        Members
      </CardHeading>
      <Loaded query={members}>
        {() =>
          shown.length === 0 ? (
            <Empty icon={Mail} title="Nobody matches" />
          ) : (
            <ul aria-label="Members" className="divide-y">
              {shown.map((member) => (
                <li
                  key={member.user_id}
                  data-row
                  className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-4 py-2.5 sm:grid-cols-[minmax(0,1fr)_8rem_7rem_6rem_2.5rem]"
                >
                  <span className="min-w-0">
                    <span className="block truncate font-medium" title={member.email}>
                      {member.email}
                    </span>
                    {member.user_id === me?.user_id && <span className="text-muted text-xs">you</span>}
                    {isLastOwner(member) && (
                      <span className="text-muted text-xs">
                        {member.user_id === me?.user_id ? ', ' : ''}the only owner, so the role stays
                      </span>
                    )}
                  </span>
                  <span className="max-sm:order-3 max-sm:col-span-1">
                    {mayChange(member) ? (
                      <SelectField
                        quiet
                        label={`Role of ${member.email}`}
                        value={member.role}
                        options={givable.map((value) => ({ value, label: value }))}
                        onChange={(role) => changing.mutate({ id: member.user_id, role })}
                        disabled={changing.isPending}
                        className="h-8.5 text-sm max-sm:h-10"
                      />
                    ) : (
                      <span className="px-2 text-sm">{member.role}</span>
                    )}
                  </span>
                  <span className="max-sm:order-4 max-sm:justify-self-end">
                    {member.second_factor ? <Badge tone="allow">second factor</Badge> : <Badge>password only</Badge>}
                  </span>
                  <span className="text-muted text-xs max-sm:hidden">
                    <span className="sr-only">joined </span>
                    <When at={member.joined_at} />
                  </span>
                  <span className="justify-self-end max-sm:order-2">
                    <RowMenu label={`More about ${member.email}`} actions={actionsOf(member)} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {dialog}
    </Card>
  )
}

function Invitations({ isAdmin }: { isAdmin: boolean }) {
  const invitations = useQuery(memberQueries.invitations())
  const { ask, dialog } = useConfirmedAct()
  const toasts = useToasts()
  const again = useInvite()
  const list = invitations.data ?? []
  if (list.length === 0) return null
  const actionsOf = (invitation: Invitation): readonly RowAction[] => [
    {
      label: 'Make a new link',
      onSelect: () =>
        again.mutate(
          { email: invitation.email, role: invitation.role },
          { onError: (error) => toasts.failed('No link was made', messageOf(error), invitation.id) },
        ),
    },
    {
      label: 'Take it back',
      grave: true,
      onSelect: () =>
        ask({
          title: `Take back the invitation of ${invitation.email}?`,
          description: 'Its link opens nothing any more. They can be invited again.',
          action: 'Take it back',
          run: () => takeBack(invitation.id),
          done: 'Invitation taken back',
          failed: 'It still stands.',
          stale: [['invitations']],
        }),
    },
  ]
  return (
    <Card className="mt-4 overflow-hidden">
      <CardHeading>Invitations</CardHeading>
      <Entries label="Invitations">
        {list.map((invitation) => (
          <Entry
            key={invitation.id}
            title={invitation.email}
            whole={invitation.email}
            detail={
              <>
                as {invitation.role}, by {invitation.invited_by}, <When at={invitation.created_at} />
              </>
            }
          >
            {invitation.expired ? <Badge tone="deny">ran out</Badge> : <Badge tone="ask">open</Badge>}
            {isAdmin && (
              <RowMenu label={`More about the invitation of ${invitation.email}`} actions={actionsOf(invitation)} />
            )}
          </Entry>
        ))}
      </Entries>
      {dialog}
    </Card>
  )
}

function PasswordLink() {
  const made = passwordLinks.useUntaken()
  return (
    <ShownOnce
      title="Link for a new password"
      description={`Shown this once; good once, for an hour. Hand it to ${made?.email ?? 'them'} yourself.`}
      parts={made && [{ label: 'Link', text: made.link }]}
      onTaken={passwordLinks.take}
    />
  )
}
