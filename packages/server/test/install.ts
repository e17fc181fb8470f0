/**
 * Installs what suites need and no package manager of the machine has, where they look for it: `.ci/run` does so before the tests,
 * so that none of them waits for a registry.
 */
import './openbao.ts'
import './s3.ts'
import './stripe-mock.ts'
import { installSchemathesis } from '../../../e2e/support/schemathesis.ts'

installSchemathesis()
