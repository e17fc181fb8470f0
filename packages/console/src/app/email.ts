/** Whether a text can be an e-mail address at all; whether it is one, only a letter to it can tell. */
export const isEmail = (text: string): boolean => /^[^\s@]+@[^\s@]+$/.test(text)
