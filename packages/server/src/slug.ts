/** The short name of a tenant: 1 to 63 small letters, digits and hyphens, none of these at an end. */
export const slugForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
