// npm test: everything. Its last line is `N passed, N failed, N skipped`.
import { build, install } from './lib.mjs';
import { conclude, staticChecks, tests } from './suite.mjs';

install();
const checks = staticChecks();
// Tests of the command run what users run.
build();
conclude([...checks, ...tests(process.argv.slice(2))]);
