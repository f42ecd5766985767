// Vite plugin for .wgsl files, of builds, the development server and the tests alike: kernels become `Shader` objects with typed names.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';
import { compile, compileText, isText, sharedDirectory } from './wgsl-compile.ts';
import { relativePath } from './wgsl-link.ts';
import { generateTypes, wgslFiles, writeTypes } from './wgsl-types.ts';

export { generateTypes } from './wgsl-types.ts';

/** A module that imports all kernels, ahead of everything else in a bundle: side by side they compress better, by a thirtieth of it. */
const FIRST = '\0segevery:kernels';

/**
 * The plugin. Builds for production minify the WGSL; a file that does not compile fails with `file:line: problem`.
 *
 * @param repository the folder with src/kernels; Vite's root unless said
 */
export default function wgsl(repository?: string): Plugin {
  let root = repository ?? process.cwd();
  let production = false;
  return {
    name: 'segevery:wgsl',
    enforce: 'pre',
    configResolved(config) {
      root = repository ?? config.root;
      production = config.command === 'build';
    },
    buildStart() {
      // A kernel that nobody imports yet must not stop a build, so its error is only a warning here.
      for (const error of generateTypes(root)) this.warn(error.message);
    },
    transform(code, id) {
      if (!production || !/\.[jt]s$/.test(id) || this.getModuleInfo(id)?.isEntry !== true) return null;
      const [, shebang = '', rest = ''] = /^(#![^\n]*\n)?([\s\S]*)$/.exec(code) ?? [];
      return { code: `${shebang}import ${JSON.stringify(FIRST)};\n${rest}`, map: null };
    },
    resolveId: (id) => (id === FIRST ? id : null),
    load(id) {
      if (id === FIRST) {
        const paths = wgslFiles(join(root, 'src/kernels')).filter((it) => !isText(root, it));
        return paths.map((it) => `import ${JSON.stringify(it)};\n`).join('');
      }
      const path = id.replace(/\?.*$/, '');
      if (!path.endsWith('.wgsl') || id.includes('?raw') || id.includes('?url')) return null;
      if (isText(root, path)) {
        const text = readFileSync(path, 'utf8');
        return { code: `export default ${JSON.stringify(compileText(text, production))};\n`, map: null };
      }
      const { shader, parts, files } = compile(path, { root, shared: sharedDirectory(root), minify: production });
      for (const file of files) this.addWatchFile(file);
      writeTypes(root, path);
      const imports: string[] = [];
      const specifier = (target: string): string => {
        const relative = relativePath(dirname(path), target);
        return JSON.stringify(relative.startsWith('.') ? relative : `./${relative}`);
      };
      // Shared files are modules of their own: a bundle has each once.
      const terms = parts.map((part, index) => {
        if (part.path === undefined) return JSON.stringify(part.text);
        imports.push(`import s${index} from ${specifier(part.path)};\n`);
        return `s${index}`;
      });
      const define = specifier(join(root, 'src/runtime/wgsl-shape.ts'));
      const code =
        `import { defineShader } from ${define};\n${imports.join('')}` +
        `export default /* #__PURE__ */ defineShader(${JSON.stringify(shader.name)}, ${terms.join(' + ')});\n`;
      return { code, map: null };
    },
  };
}
