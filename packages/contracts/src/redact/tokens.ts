/**
 * How the secrets of known issuers look, anywhere in a text. Each begins with letters of its own and goes on with a class of
 * characters, so that a search costs time linear in the text.
 */
const SHAPES: readonly string[] = [
  // Models
  'sk-ant-[\\w-]{16,}',
  'sk-(?:proj|svcacct|admin|None|or-v1|lf|litellm)-[\\w-]{16,}',
  'sk-[A-Za-z0-9]{20,}',
  'gsk_[A-Za-z0-9]{32,}',
  'xai-[A-Za-z0-9]{32,}',
  'pplx-[A-Za-z0-9]{32,}',
  'r8_[A-Za-z0-9]{32,}',
  'hf_[A-Za-z0-9]{30,}',
  'lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}',
  // Code and packages
  'github_pat_[A-Za-z0-9_]{22,}',
  'gh[opsru]_[A-Za-z0-9]{30,}',
  'gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|agent|imt|ffct)-[\\w-]{20,}',
  'npm_[A-Za-z0-9]{36}',
  'pypi-[\\w-]{32,}',
  'rubygems_[a-f0-9]{48}',
  'dckr_(?:pat|oat)_[\\w-]{20,}',
  'ATATT3[\\w-]{32,}(?:=[A-Za-z0-9]{0,8})?',
  'ATBB[A-Za-z0-9]{32}',
  'lin_(?:api|oauth)_[A-Za-z0-9]{32,}',
  'glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}',
  'sntry[su]_[\\w+/=-]{32,}',
  'pat-[a-z]{2}\\d-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}',
  // Clouds
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}',
  'AIza[\\w-]{35}',
  'ya29\\.[\\w-]{20,}',
  'GOCSPX-[\\w-]{20,}',
  'dapi[a-f0-9]{32}',
  'do[oprt]_v1_[a-f0-9]{64}',
  'hv[bs]\\.[\\w-]{24,}',
  'tfp_[\\w-]{32,}',
  'sbp_[a-f0-9]{40}',
  'sb_secret_[\\w-]{20,}',
  'pscale_(?:tkn|pw|oauth)_[\\w.-]{32,}',
  'dp\\.(?:pt|st|ct|sa|scim|audit)\\.[\\w.-]{40,}',
  'tskey-[a-z]+-[\\w-]{16,}',
  'fo1_[\\w-]{43}',
  'AGE-SECRET-KEY-1[A-Z0-9]{58}',
  'ops_eyJ[\\w+/=-]{40,}',
  // Money
  '[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10,}',
  'whsec_[A-Za-z0-9+/=]{24,}',
  'sq0(?:atp|csp|idp)-[\\w-]{22,}',
  'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}',
  // Messages
  'xox[a-z]-[A-Za-z0-9-]{10,}',
  'xapp-\\d-[A-Za-z0-9-]{16,}',
  'hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}',
  'SG\\.[\\w-]{16,32}\\.[\\w-]{16,64}',
  'key-[a-f0-9]{32}',
  '\\d{8,10}:AA[\\w-]{32,}',
  'ntn_[A-Za-z0-9]{40,}',
  'secret_[A-Za-z0-9]{43}',
  'fig[dou]_[\\w-]{30,}',
  // Ours
  'edk_[A-Za-z0-9-]+_[\\w-]{20,}',
]

/** A JSON Web Token, or one whose end was cut off. It stands apart: a run that begins like one is looked at once. */
const JSON_WEB_TOKEN = '(?<![\\w-])eyJ[\\w-]{17,}\\.(?:[\\w-]+(?:\\.[\\w-]*)?)?'

export const TOKENS: readonly string[] = [...SHAPES.map((shape) => `(?<![A-Za-z0-9])(?:${shape})`), JSON_WEB_TOKEN]
