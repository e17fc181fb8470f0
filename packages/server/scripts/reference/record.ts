/**
 * Records the examples of the reference: starts a server in this process, does a bit of everything with it, scene by scene, and
 * keeps what was sent and answered. Run it when a route changes: `npm run examples -w @lictor/server`.
 */
import { recordAssistant } from './scenes/assistant.ts'
import { recordBilling } from './scenes/billing.ts'
import { recordChannels } from './scenes/channels.ts'
import { recordCluster } from './scenes/cluster.ts'
import { recordConsole } from './scenes/console.ts'
import { recordCortex } from './scenes/cortex.ts'
import { recordLibrary } from './scenes/library.ts'
import { recordLimits } from './scenes/limits.ts'
import { recordMembers } from './scenes/members.ts'
import { recordPeople } from './scenes/people.ts'
import { recordReports } from './scenes/reports.ts'
import { recordRulesets } from './scenes/rulesets.ts'
import { recordRuntime } from './scenes/runtime.ts'
import { recordSchedules } from './scenes/schedules.ts'
import { recordSeal } from './scenes/seal.ts'
import { recordApiKeys, recordCredentials, recordSecrets } from './scenes/secrets.ts'
import { recordSettings } from './scenes/settings.ts'
import { openStage } from './scenes/stage.ts'
import { recordStimuli } from './scenes/stimuli.ts'
import { recordSwarms } from './scenes/swarms.ts'
import { recordTools } from './scenes/tools.ts'
import { recordVolumes } from './scenes/volumes.ts'
import { recordWorkflows } from './scenes/workflows.ts'

const stage = await openStage()
const people = { ...stage, ...(await recordPeople(stage)) }
const library = { ...people, ...(await recordLibrary(people)) }
const reports = { ...library, ...(await recordReports(library)) }
await recordRulesets(reports)
await recordConsole(reports)
await recordChannels(reports)
await recordAssistant(reports)
await recordRuntime(reports)
await recordTools(reports)
await recordWorkflows(reports)
await recordStimuli(reports)
await recordSchedules(reports)
await recordSecrets(reports)
await recordVolumes(reports)
await recordCredentials(reports)
await recordApiKeys(reports)
await recordSeal(reports)
await recordLimits(reports)
await recordCortex(reports)
await recordSwarms(reports)
await recordCluster(reports)
await recordBilling(reports)
await recordSettings(reports)
await recordMembers(reports)
stage.r.save(stage.folder)
await stage.close()
