/** What Slack is given to make the app from. */
export const slackManifest = (baseUrl: string) => ({
  _metadata: { major_version: 2, minor_version: 1 },
  display_information: {
    name: 'Edictum Approvals',
    description: 'Interactive approval buttons for Edictum agent governance.',
    background_color: '#1a1a2e',
  },
  features: { bot_user: { display_name: 'edictum', always_online: true } },
  oauth_config: { scopes: { bot: ['chat:write'] } },
  settings: {
    interactivity: { is_enabled: true, request_url: `${baseUrl.replace(/\/+$/, '')}/api/v1/slack/interactions` },
  },
})
