// npm run fuzz [-- TEST]: the fuzz tests with 20,000 mutations of each kind in place of 1,000; SEGEVERY_FUZZ is another number.
import { install } from './lib.mjs';
import { conclude, tests } from './suite.mjs';

install();
process.env.SEGEVERY_FUZZ ??= '20000';
const only = process.argv.slice(2);
conclude(tests(['--project', 'unit', ...(only.length > 0 ? only : ['/fuzz'])]));
