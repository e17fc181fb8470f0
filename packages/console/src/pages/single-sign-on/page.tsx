import { useNavigate, useSearch } from '@tanstack/react-router'
import { Page } from '../../ui/page.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { OpenIdConnect } from './openid-connect.tsx'
import { Saml } from './saml.tsx'

/** The providers at which members sign in. Passwords go on working beside them. */
export function SingleSignOnPage() {
  const { tab = 'oidc' } = useSearch({ from: '/inside/settings/single-sign-on' })
  const navigate = useNavigate({ from: '/settings/single-sign-on' })
  return (
    <Page
      title="Single sign-on"
      lead="Members sign in at a provider of the tenant’s own. Their passwords go on working beside it."
      className="max-w-4xl"
    >
      <Tabs
        label="Single sign-on"
        value={tab}
        onChange={(next) => void navigate({ search: next === 'saml' ? { tab: 'saml' } : {} })}
        tabs={[
          { value: 'oidc', label: 'OpenID Connect' },
          { value: 'saml', label: 'SAML 2.0' },
        ]}
      >
        <TabPanel value="oidc" className="flex flex-col gap-4">
          <OpenIdConnect />
        </TabPanel>
        <TabPanel value="saml" className="flex flex-col gap-4">
          <Saml />
        </TabPanel>
      </Tabs>
    </Page>
  )
}
