// segevery evaluate: average recall of masks and boxes over labelled photos, of own runs or of a file of results.

import { basename, join, resolve } from 'node:path';

import type { Truth } from '../../src/evaluate/annotations.ts';
import { type FindingKind, Findings } from '../../src/evaluate/findings.ts';
import { readResults } from '../../src/evaluate/results.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Command } from '../arguments.ts';
import { defaultConfig, type EvaluateConfig, readConfigs } from '../evaluate/config.ts';
import { type FoundPhoto, fileBytes, filePieces, findImages, readingProgress, readTruth } from '../evaluate/inputs.ts';
import { markdownOf } from '../evaluate/markdown.ts';
import { pageOf } from '../evaluate/page.ts';
import { isOf, propose } from '../evaluate/propose.ts';
import type { Report, RunReport } from '../evaluate/report.ts';
import { resultsText } from '../evaluate/save.ts';
import { type Proposed, score } from '../evaluate/score.ts';
import { fingerprintOf, ProposalStore } from '../evaluate/store.ts';
import { drawWorst, type WorstImage } from '../evaluate/worst.ts';
import { HostKeeper } from '../host/keeper.ts';
import { modelFolder, modelHash } from '../model-folder.ts';
import { assertWritable, type Content, writeFiles } from '../output.ts';
import type { Terminal } from '../terminal.ts';

type EvaluateCommand = Extract<Command, { name: 'evaluate' }>;

/** What all runs of a command share. */
interface Shared {
  readonly command: EvaluateCommand;
  readonly truth: Truth;
  /** Photos that are there, by the image's id. */
  readonly photos: ReadonlyMap<number, FoundPhoto>;
  /** Of the folder of photos. */
  readonly missing: Findings;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

interface Run {
  readonly report: RunReport;
  readonly worst: readonly WorstImage[];
}

/** Errors that concern one configuration: the others are still worth running. */
const OF_ONE_RUN = new Set(['weights', 'model-mismatch', 'checkpoint', 'usage', 'prompt']);
/** Findings after which the result is not of all that was asked for. */
const INCOMPLETE: readonly FindingKind[] = ['image-missing', 'image-failed'];

/** Runs the command; resolves with the exit code: 1 where photos are missing or failed, 4 where no configuration could run. */
export async function evaluate(command: EvaluateCommand, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { out, images: folder } = command;
  await assertWritable(out);
  const configs = command.configs.length > 0 ? await readConfigs(command.configs) : [defaultConfig()];
  const truth = await readTruth(command, terminal, signal);
  const missing = new Findings();
  const photos = folder === undefined ? new Map() : await findImages(folder, truth.images, missing);
  const shared: Shared = { command, truth, photos, missing, terminal, signal };
  const runs =
    command.results === undefined ? await runAll(configs, shared) : [await scoreResults(command.results, shared)];
  const report: Report = {
    format: 1,
    annotations: basename(command.annotations),
    protocol: truth.protocol,
    ...(command.model === undefined || command.results !== undefined
      ? {}
      : { model: basename(resolve(command.model)) }),
    images: truth.images.length,
    objects: truth.images.reduce((sum, { objects }) => sum + objects.length, 0),
    limits: command.limits,
    findings: truth.findings.list(),
    runs: runs.map((run) => run.report),
  };
  const markdown = markdownOf(report);
  const json = `${JSON.stringify(report)}\n`;
  const files = new Map<string, Content>([
    [join(out, 'report.json'), json],
    [join(out, 'report.md'), markdown],
    [join(out, 'report.html'), pageOf(report, new Map(runs.map((run) => [run.report.name, run.worst])))],
  ]);
  await writeFiles(files, signal);
  terminal.data(command.json ? json : markdown);
  for (const path of files.keys()) terminal.say(`wrote ${path}`);
  if (report.runs.every(({ leftOut }) => leftOut !== undefined)) {
    terminal.say('no configuration could run; what each one needs is in the report');
    return 4;
  }
  const broken = report.runs.some(({ findings }) => findings.some(({ kind }) => INCOMPLETE.includes(kind)));
  return broken ? 1 : 0;
}

async function runAll(configs: readonly EvaluateConfig[], shared: Shared): Promise<Run[]> {
  const { truth, photos, terminal } = shared;
  const found = [...photos.keys()].length;
  if (found < truth.images.length)
    terminal.say(`${truth.images.length - found} of ${truth.images.length} photos are missing; the rest is scored`);
  if (found === 0)
    throw new SegEveryError(
      'io',
      `--images ${shared.command.images}: none of the ${truth.images.length} photos is there`,
    );
  const runs: Run[] = [];
  const keeper = new HostKeeper({ ...shared.command, terminal, signal: shared.signal });
  try {
    for (const [i, config] of configs.entries()) {
      if (configs.length > 1) terminal.say(`configuration ${i + 1} of ${configs.length}: ${config.title}`);
      runs.push(await runConfig(config, shared, keeper));
    }
  } finally {
    await keeper.close();
  }
  return runs;
}

async function runConfig(config: EvaluateConfig, shared: Shared, keeper: HostKeeper): Promise<Run> {
  const { name, title, options, paper } = config;
  const leftOut = (reason: string): Run => {
    shared.terminal.say(`left out: ${title}: ${reason}`);
    return { report: { name, title, leftOut: reason, options, findings: [], worst: [], paper }, worst: [] };
  };
  if (config.unsupported !== undefined) return leftOut(config.unsupported);
  const { command } = shared;
  let model: string;
  try {
    const own = config.model === undefined ? undefined : join(command.models, config.model);
    model = await modelFolder(command.model ?? own);
  } catch (error) {
    // A model that the user named has to be there; that of a row may be absent.
    if (!(error instanceof SegEveryError) || command.model !== undefined) throw error;
    return leftOut(`${error.message}${config.weights === undefined ? '' : `; ${config.weights}`}`);
  }
  try {
    return await runModel(config, model, shared, keeper);
  } catch (error) {
    if (!(error instanceof SegEveryError) || !OF_ONE_RUN.has(error.code) || command.configs.length === 0) throw error;
    return leftOut(`(${error.code}) ${error.message}`);
  }
}

async function runModel(config: EvaluateConfig, model: string, shared: Shared, keeper: HostKeeper): Promise<Run> {
  const { command, truth, photos, terminal, signal } = shared;
  const { name, title, options, paper, settings, channelOrder, rank, keep } = config;
  const sha256 = await modelHash(model);
  // What changes the speed alone does not make a result another.
  const { batch: _batch, memoryBudget: _budget, pointsPerBatch: _points, ...decisive } = settings;
  const made = { format: 1, sha256, decisive, channelOrder, dtype: command.dtype, rank, keep };
  const store = new ProposalStore(join(command.out, name), fingerprintOf(made));
  await propose({ ...command, config, model, images: truth.images, photos, store, keeper, terminal, signal });
  const findings = new Findings();
  const load = async (image: Truth['images'][number]): Promise<Proposed | undefined> => {
    const stored = await store.load(image);
    return isOf(stored, photos.get(image.id)) ? stored : undefined;
  };
  const scored = await score(
    truth.images,
    async (image) => {
      const proposed = await load(image);
      const photo = photos.get(image.id);
      if (!proposed && photo) findings.add('image-failed', photo.name);
      if (proposed?.proposals.length === 0) findings.add('image-without-results', photo?.name ?? '');
      return proposed;
    },
    { ...command, terminal, signal },
  );
  if (command.saveResults) {
    const path = join(command.out, `${name}.results.json`);
    await writeFiles(new Map([[path, resultsText(truth.images, load)]]), signal);
    terminal.say(`wrote ${path}`);
  }
  const report: RunReport = {
    name,
    title,
    model: { folder: basename(model), sha256 },
    options,
    evaluation: scored.evaluation,
    milliseconds: scored.milliseconds,
    findings: [...shared.missing.list(), ...findings.list()],
    worst: scored.worst,
    paper,
  };
  return { report, worst: await drawWorst(scored.worst, truth.images, photos, load, command.limits) };
}

async function scoreResults(path: string, shared: Shared): Promise<Run> {
  const { command, truth, photos, terminal, signal } = shared;
  const { limits } = command;
  const onProgress = readingProgress(terminal, path);
  const options = { where: path, limit: Math.max(...limits), bytes: await fileBytes(path), onProgress, signal };
  const { proposals, findings } = await readResults(filePieces(path), truth, options);
  const load = async ({ id }: Truth['images'][number]): Promise<Proposed> => ({ proposals: proposals.get(id) ?? [] });
  for (const { id } of truth.images) if (!proposals.has(id)) findings.add('image-without-results', `image ${id}`);
  const { evaluation, worst } = await score(truth.images, load, { ...command, terminal, signal });
  const title = basename(path);
  const report: RunReport = { name: 'results', title, evaluation, findings: findings.list(), worst, paper: [] };
  return { report, worst: await drawWorst(worst, truth.images, photos, load, limits) };
}
