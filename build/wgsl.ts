// Vite plugin for .wgsl files, of builds, the development server and the tests alike: kernels become `Shader` objects with typed names.

import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { compile, isText, minify, sharedDirectory } from './wgsl-compile.ts';
import { generateTypes, writeTypes } from './wgsl-types.ts';

export { generateTypes } from './wgsl-types.ts';

/** The plugin. Builds for production minify the WGSL; a file that does not compile fails with `file:line: problem`. */
export default function wgsl(): Plugin {
  let root = process.cwd();
  let production = false;
  return {
    name: 'segevery:wgsl',
    enforce: 'pre',
    configResolved(config) {
      root = config.root;
      production = config.command === 'build';
    },
    buildStart() {
      // A kernel that nobody imports yet must not stop a build, so its error is only a warning here.
      for (const error of generateTypes(root)) this.warn(error.message);
    },
    load(id) {
      const path = id.replace(/\?.*$/, '');
      if (!path.endsWith('.wgsl') || id.includes('?raw') || id.includes('?url')) return null;
      if (isText(root, path)) {
        const text = readFileSync(path, 'utf8');
        return { code: `export default ${JSON.stringify(production ? minify(text) : text)};\n`, map: null };
      }
      const { shader, files } = compile(path, { root, shared: sharedDirectory(root), minify: production });
      for (const file of files) this.addWatchFile(file);
      writeTypes(root, path);
      return { code: `export default ${JSON.stringify(shader)};\n`, map: null };
    },
  };
}
