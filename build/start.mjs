// npm start: from a fresh clone to masks of a bundled photo: SegAny's in out/, SegEvery's in out/everything/.
import { join } from 'node:path';
import { build, install, root, segevery } from './lib.mjs';

install();
build();
const photo = join('examples', 'photos', 'coffee.jpg');
process.chdir(root);
// Boxes around the cup and around the spoon, in pixels of the photo.
const given = process.argv.slice(2);
const args = given.length > 0 ? given : [photo, '--box', '172,17,412,285', '--box', '325,235,408,342', '--out', 'out'];
console.error(`segevery segment ${args.join(' ')}`);
process.exitCode = await segevery(['segment', ...args]);
if (given.length === 0 && process.exitCode === 0) {
  const everything = [photo, '--out', join('out', 'everything'), '--format', 'overlay,svg,coco', '--force'];
  console.error(`segevery everything ${everything.join(' ')}`);
  process.exitCode = await segevery(['everything', ...everything]);
}
