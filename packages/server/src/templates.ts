/** The part of the server that judges templates, for who needs no server: it loads in a moment. */
export { loadTemplateCheck } from './runtime/templates/check.ts'
