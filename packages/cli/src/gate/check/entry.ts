import { runGateCheck } from './main.ts'

// One thread reads standard input; the others that Node would start for it have nothing to do.
process.env.UV_THREADPOOL_SIZE ??= '1'
void runGateCheck(process.argv.slice(4), process.argv[1] ?? '')
