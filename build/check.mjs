// npm run check: lint, types and the tests that need no browser.
import { install } from './lib.mjs';
import { conclude, staticChecks, tests } from './suite.mjs';

install();
conclude([...staticChecks(), ...tests(['--project', 'unit', ...process.argv.slice(2)])]);
