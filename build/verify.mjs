// npm run -s verify -- DIR: the golden cases below a folder through the built command.
import { build, install, segevery } from './lib.mjs';

install();
build();
process.exitCode = await segevery(['verify', ...process.argv.slice(2)]);
