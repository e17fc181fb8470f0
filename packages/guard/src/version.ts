/** Version of this package; changes with `package.json`. */
export const VERSION = '0.1.0'
