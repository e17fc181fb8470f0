/**
 * The bounds of the language. Whatever names one of these numbers takes it from here, the schema and the messages included; the
 * guide is held to them by a test.
 */

/** Largest bundle in bytes, inclusive. */
export const MAX_BUNDLE_BYTES = 1_048_576
/** `all`, `any` and `not` nest this deep, `when` itself counted. */
export const MAX_EXPRESSION_DEPTH = 50
/** Collections within collections of a YAML text. The deepest expression, a list under each of its levels, takes 106. */
export const MAX_YAML_DEPTH = 120
/** Aliases of a YAML text, those inside of what an alias stands for included. */
export const MAX_ALIASES = 100
/** Longest message of a contract as written, and of a verdict with its placeholders filled in; code points. */
export const MAX_MESSAGE = 500
/** Longest value that a placeholder of a message shows, in code points. */
export const MAX_PLACEHOLDER = 200
/** Longest name that a server carries, of a bundle, a contract or a tool; in code points. */
export const MAX_SERVER_NAME = 255
/** Longest time in seconds that a server lets a human take. */
export const MAX_SERVER_TIMEOUT = 2_592_000
/** Longest label of a session. */
export const MAX_LABEL = 64
/** Seconds a human is waited for when a contract names none. */
export const DEFAULT_TIMEOUT = 300
/** Calls tried in a session when nobody says otherwise. Bundles can only lower it. */
export const DEFAULT_MAX_ATTEMPTS = 500
/** Calls run in a session when nobody says otherwise. Bundles can only lower it. */
export const DEFAULT_MAX_TOOL_CALLS = 200
/** Longest text a pattern is run over, in UTF-16 units. A longer one cannot be judged: nothing is judged by its first part. */
export const MAX_PATTERN_TEXT = 1_048_576
/** Longest text, in code points, for a pattern that needs backtracking (a back-reference, a look-around). */
export const MAX_BACKTRACKING_TEXT = 10_000
