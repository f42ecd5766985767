// What `--help` prints.

const MAIN = `segevery: segment anything in a photo, with WebGPU

  segevery segment PHOTO --point X,Y      masks for points and boxes
  segevery everything PHOTO               masks of all objects in it
  segevery doctor                         what was found: browser, adapter, limits, weights
  segevery verify DIR                     run golden cases through this build

  --help, --version                       segevery COMMAND --help says more

Exit codes: 0 done, 1 failed, 2 usage, 3 no browser or adapter, 4 weights or model, 130 stopped.
The browser is the one of SEGEVERY_CHROME, an installed Chrome, Chromium or Edge, or @sparticuz/chromium.
`;

const COMMON = `
  --host chrome|dawn    headless Chrome (default), or Node with the package webgpu
  --dtype f32|f16       storage of weights and activations (default f32)
  --software            SwiftShader even where there is a GPU
`;

const ABOUT: Readonly<Record<string, string>> = {
  segment: `segevery segment PHOTO [options]      PHOTO is PNG, JPEG, WebP, AVIF, GIF or BMP; - is standard input

  --point X,Y[,0|1]     a point in pixels of the photo; label 1 (default): inside, 0: outside; repeatable
  --box X1,Y1,X2,Y2     a box; all points and one box are one prompt, several boxes are one prompt each
  --prompts FILE        JSON list of {"points": [[x, y]], "labels": [1], "box": [x1, y1, x2, y2], "multimask": true}
  --multimask           three masks for each prompt (default for a single point)
  --model FOLDER        a folder with model.json (default: the weights of the package)
  --out DIR             write PHOTO.png (masks drawn over the photo) and PHOTO.json there (default out, none with --json)
  --json                print the result on standard output
${COMMON}
Examples:
  segevery segment dog.jpg --point 320,240
  segevery segment dog.jpg --box 10,20,200,180 --point 100,90,0 --json
  cat dog.jpg | segevery segment - --prompts prompts.json --json > masks.json
`,
  everything: `segevery everything PHOTO [options]   masks of all objects; PHOTO as of segment

  --mode objects|grid   boxes of a detector as prompts (default), or SAM's grid of points
  --conf N --iou N      detector: least score, and overlap of boxes (default: the model's)
  --max-boxes N         detector: at most so many boxes, the best (default 320)
  --prompt box|centre   ask with the box (default) or with its centre
  --masks WHICH         single (default), best of three, or all three
  --points-per-side N   grid: points on each side (default 32)
  --min-mask-region-area N       grid: remove smaller holes and islands (default 0)
  --pred-iou-thresh N            least predicted IoU (default 0 for objects, 0.88 for grid)
  --stability-score-thresh N     least stability score (default 0 for objects, 0.95 for grid)
  --model FOLDER        a folder with model.json (default: the weights of the package)
  --out DIR             write PHOTO.png (masks drawn over the photo) and PHOTO.json there (default out, none with --json)
  --json                print the result on standard output
${COMMON}
Examples:
  segevery everything street.jpg
  segevery everything street.jpg --mode grid --points-per-side 16 --json > masks.json
`,
  doctor: `segevery doctor [--model FOLDER] [--json]
${COMMON}`,
  verify: `segevery verify DIR [--case NAME]...      runs every folder below DIR that has a case.json
${COMMON}`,
};

/** The help of a command, or of all. */
export function helpText(about: string | undefined): string {
  return ABOUT[about ?? ''] ?? MAIN;
}
