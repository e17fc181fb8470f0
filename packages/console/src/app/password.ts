/** Characters of a new password; the server's own rule. */
export const PASSWORD_MINIMUM = 12
