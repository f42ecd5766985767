// What `--help` prints.

const MAIN = `segevery: segment anything in a photo, with WebGPU

  segevery segment PHOTO --point X,Y      masks for points and boxes
  segevery everything PHOTO|DIR|GLOB...   masks of all objects in each photo
  segevery detect PHOTO|DIR|GLOB...       boxes of the objects in each photo
  segevery evaluate --annotations FILE    recall of masks and boxes over labelled photos (COCO, LVIS)
  segevery convert FILE... --out DIR      published checkpoints (.pt) to a model folder
  segevery models                         published networks: size, work, memory, where their weights are
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

const FILES = `
  --out DIR             write there (default out, none with --json): PHOTO.json, PHOTO.png and what --format adds
  --format LIST         all, or with commas between: json (always), overlay (masks drawn over the photo), coco, polygons (with
                        holes and parts), svg, labels (one PNG, a number for each mask), masks (a PNG each), geojson, yolo,
                        label-studio; json,overlay by default. Repeatable
  --json                print the JSON document on standard output, a line for each photo
  --model FOLDER        a folder with model.json (default: the weights of the package); \`segevery models\` lists what there is
`;

const ABOUT: Readonly<Record<string, string>> = {
  segment: `segevery segment PHOTO [options]      PHOTO is PNG, JPEG, WebP, AVIF, GIF or BMP; - is standard input

  --point X,Y[,0|1]     a point in pixels of the photo; label 1 (default): inside, 0: outside; repeatable
  --box X1,Y1,X2,Y2     a box; all points and one box are one prompt, several boxes are one prompt each
  --prompts FILE        JSON list of {"points": [[x, y]], "labels": [1], "box": [x1, y1, x2, y2], "multimask": true}
  --multimask           three masks for each prompt (default for a single point)
${FILES}${COMMON}
Examples:
  segevery segment dog.jpg --point 320,240
  segevery segment dog.jpg --box 10,20,200,180 --point 100,90,0 --json
  cat dog.jpg | segevery segment - --prompts prompts.json --json > masks.json
`,
  everything: `segevery everything PHOTO|DIR|GLOB... [options]   masks of all objects

Photos are files, folders (read to the bottom, links in them left out) and quoted patterns ("photos/**/*.jpg"); - is standard
input. What cannot be read is reported, and the rest is done. Run again, photos that are finished are skipped.

  --mode objects|grid   boxes of a detector as prompts (default), or SAM's grid of points
  --force               do photos again that an earlier run has finished
${FILES}
Objects (numbers that are not given: the model folder's own):
  --conf N              least score of a box (0.4 in the paper)
  --iou N               of two boxes that overlap more, the better one stays (0.9 in the paper)
  --max-boxes N         at most so many boxes, the best (320 in the paper)
  --prompt box|centre   ask with the box (default) or with its centre
  --channel-order rgb|bgr        of a detector with an input of its own

Grid, as SAM's automatic mask generator:
  --points-per-side N            default 32
  --points-per-batch N           default 64; changes the speed only
  --point-grids FILE             instead of a grid: JSON, a list of [x, y] from 0 to 1 for each layer of crops
  --box-nms-thresh N             default 0.7
  --crop-n-layers N              default 0
  --crop-nms-thresh N            default 0.7
  --crop-overlap-ratio N         default 512/1500
  --crop-n-points-downscale-factor N    default 1
  --min-mask-region-area N       remove smaller holes and islands; default 0

Both:
  --masks WHICH                  of a prompt: single (default for objects), best of three, or all three (default for grid)
  --filters on|off               SAM's two thresholds or none (default off for objects, on for grid); or each by itself:
  --pred-iou-thresh N            least predicted IoU (0.88 when on)
  --stability-score-thresh N     least stability score (0.95 when on)
  --stability-score-offset N     default 1
  --mask-threshold N             of the logits; default the model's
  --output-mode MODE             of segmentation in the JSON: coco_rle (default), uncompressed_rle or binary_mask
  --batch 1|4|16|32              prompts at once, at most; changes the speed only
  --memory-budget MIB            memory of decoding on the GPU; default 512
${COMMON}
Examples:
  segevery everything street.jpg
  segevery everything photos/ --out masks/ --format coco,labels
  segevery everything "photos/**/*.jpg" --mode grid --points-per-side 16 --json > masks.jsonl
`,
  detect: `segevery detect PHOTO|DIR|GLOB... [options]   boxes of the objects, the best first; photos as of everything

  --conf N  --iou N  --max-boxes N  --channel-order rgb|bgr      as of everything
  --json                a line of JSON for each photo instead of a table
  --model FOLDER        a folder with model.json (default: the weights of the package)
${COMMON}`,
  evaluate: `segevery evaluate --annotations FILE --images DIR [--config FILE|DIR|paper]...    average recall, AR@K
segevery evaluate --annotations FILE --results FILE                                 of results that are there

Finds everything in each photo and counts which labelled objects are met, whatever their category: mask AR and box AR by number of
proposals and by size, as COCO and LVIS define them. Writes report.json, report.md and report.html (plots, the worst photos). What is
finished is kept in --out, and the same command goes on after a stop. Photos that are missing are listed and left out.

  --annotations FILE    COCO instances or LVIS; read as a stream
  --images DIR          folder of the photos
  --results FILE        score this COCO result file instead of running anything; photos are optional then
  --config PATH         what to run: a JSON file or a folder of them, repeatable; paper: the paper's tables 2 to 7. Default: the
                        default model by objects
  --subset N|FILE       N photos drawn at random, or a list of ids or file names (JSON, or one a line)
  --seed N              of the draw; default 1
  --k LIST              numbers of proposals; default 10,100,1000
  --protocol coco|lvis  which objects are ignored; default by the file
  --models DIR          folder of model folders that configurations name; default models
  --model FOLDER        this model for all configurations
  --out DIR             default out/evaluate
  --worst N             photos shown; default 12
  --save-results        write each run's proposals as a COCO result file too
  --force               do photos again that an earlier run has finished
  --json                print report.json instead of the tables
${COMMON}
Examples:
  segevery evaluate --annotations lvis_v1_val.json --images val2017/ --subset 100 --config paper --models models/
  segevery evaluate --annotations instances_val2017.json --results proposals.json --k 1,10,100
`,
  convert: `segevery convert FILE... --out DIR [--dtype f32|f16]

  Reads checkpoints of SAM, MobileSAM, MobileSAMv2, EfficientViT-SAM, YOLOv8 and FastSAM without executing anything in them, and puts their
  parts (encoder, decoder, detector) together to one model folder; of two files with the same part the later one counts.

  --out DIR             the folder to make; it must not exist, or be empty
  --dtype f32|f16       storage of the numbers (default f32)

Example:
  segevery convert mobile_sam.pt ObjectAwareModel.pt Prompt_guided_Mask_Decoder.pt --out mobilesamv2
`,
  models: `segevery models [--dtype f32|f16] [--json]

  Lists the published encoders, decoders and detectors that \`segevery convert\` reads, with parameters, multiply-adds and GPU memory for one
  photo of 1024 x 1024, and the file to get. Needs no browser and no weights.
`,
  doctor: `segevery doctor [--model FOLDER] [--json]
${COMMON}`,
  verify: `segevery verify DIR [--case NAME]... [--tiling register|workgroup]

  Runs every folder below DIR that has a case.json. --tiling takes the kernels for CPU adapters or for GPUs, not those that suit the adapter.
${COMMON}`,
};

/** The help of a command, or of all. */
export function helpText(about: string | undefined): string {
  return ABOUT[about ?? ''] ?? MAIN;
}
