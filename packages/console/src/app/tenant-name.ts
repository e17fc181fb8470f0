/** Whether a text may be the short name of a tenant. */
export const isTenantName = (text: string): boolean => /^[a-z0-9-]{1,63}$/.test(text)
