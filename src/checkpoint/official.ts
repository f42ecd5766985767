// What is known of the published networks: where they come from, what their files are, and under which terms.

/** A published file, by what identifies it. Sizes and sums that are not known are left out. */
export interface OfficialFile {
  readonly file: string;
  readonly bytes?: number;
  readonly sha256?: string;
}

export interface OfficialSource {
  /** As its authors call it. */
  readonly title: string;
  /** Where its authors publish it. */
  readonly source: string;
  readonly licence: string;
  readonly files: readonly OfficialFile[];
}

const SAM = 'https://github.com/facebookresearch/segment-anything';
const EFFICIENT_VIT = 'https://github.com/mit-han-lab/efficientvit';
const MOBILE_SAM = 'https://github.com/ChaoningZhang/MobileSAM';
const FAST_SAM = 'https://github.com/CASIA-IVA-Lab/FastSAM';
const ULTRALYTICS = 'https://github.com/ultralytics/assets/releases';

const source = (
  title: string,
  from: string,
  licence: string,
  file: string,
  bytes?: number,
  sha256?: string,
): OfficialSource => ({
  title,
  source: from,
  licence,
  files: [{ file, ...(bytes === undefined ? {} : { bytes }), ...(sha256 === undefined ? {} : { sha256 }) }],
});

/** By the names of recognise.ts. */
export const OFFICIAL: Readonly<Record<string, OfficialSource>> = {
  mobile_sam: source(
    'MobileSAM (TinyViT-5M)',
    MOBILE_SAM,
    'Apache-2.0',
    'mobile_sam.pt',
    40_728_226,
    '6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f',
  ),
  prompt_guided_mask_decoder: source(
    'MobileSAMv2’s prompt-guided mask decoder',
    `${MOBILE_SAM}/tree/master/MobileSAMv2`,
    'Apache-2.0',
    'Prompt_guided_Mask_Decoder.pt',
  ),
  object_aware_model: source(
    'MobileSAMv2’s object-aware model (YOLOv8x)',
    `${MOBILE_SAM}/tree/master/MobileSAMv2`,
    'AGPL-3.0 (a product of ultralytics)',
    'ObjectAwareModel.pt',
    140_395_126,
    '4d99244a9c7a4d7330af28d1801ebee362fa469ac564b57c8eab48b43e4e64a1',
  ),
  efficientvit_l0: source(
    'EfficientViT-SAM-L0',
    EFFICIENT_VIT,
    'Apache-2.0',
    'l0.pt',
    undefined,
    'c4f994b01a16d48bcf2fbbb089448cfbf58fae5811edfa8113c953b8b8cc64b8',
  ),
  efficientvit_l1: source(
    'EfficientViT-SAM-L1',
    EFFICIENT_VIT,
    'Apache-2.0',
    'l1.pt',
    undefined,
    'fa151df2b9b96896accd505470755cdd293a4c50cdabac95478f3fbd86d9152b',
  ),
  efficientvit_l2: source(
    'EfficientViT-SAM-L2',
    EFFICIENT_VIT,
    'Apache-2.0',
    'l2.pt',
    undefined,
    'd4bfd842224cbb99de09acc3325e81ac5b7e8725c8fbdab152305e5d934bfe4a',
  ),
  sam_vit_b: source(
    'SAM ViT-B',
    SAM,
    'Apache-2.0',
    'sam_vit_b_01ec64.pth',
    375_042_383,
    'ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912',
  ),
  sam_vit_l: source(
    'SAM ViT-L',
    SAM,
    'Apache-2.0',
    'sam_vit_l_0b3195.pth',
    1_249_524_607,
    '3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622',
  ),
  sam_vit_h: source(
    'SAM ViT-H',
    SAM,
    'Apache-2.0',
    'sam_vit_h_4b8939.pth',
    2_564_550_879,
    'a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e',
  ),
  fastsam_s: source(
    'FastSAM-s',
    FAST_SAM,
    'AGPL-3.0 (its README says Apache-2.0)',
    'FastSAM-s.pt',
    23_851_578,
    'c9f78716a81c7aff0d608ccc73e1b82ab3aaad86005049f6a92106a0be6d0844',
  ),
  fastsam_x: source(
    'FastSAM-x',
    FAST_SAM,
    'AGPL-3.0 (its README says Apache-2.0)',
    'FastSAM-x.pt',
    undefined,
    '752cadc2828edb1cd4bc4f9eb587100631af06ea2108f4c9ed56df4755701e76',
  ),
  yolov8n: source(
    'YOLOv8n',
    ULTRALYTICS,
    'AGPL-3.0',
    'yolov8n.pt',
    6_534_387,
    '31e20dde3def09e2cf938c7be6fe23d9150bbbe503982af13345706515f2ef95',
  ),
  yolov8s: source(
    'YOLOv8s',
    ULTRALYTICS,
    'AGPL-3.0',
    'yolov8s.pt',
    22_586_675,
    '7735eefb600bedba2ca473d6c0d0e6df947b6973417ebcb7622bf34e62b635d5',
  ),
  yolov8m: source('YOLOv8m', ULTRALYTICS, 'AGPL-3.0', 'yolov8m.pt'),
  yolov8l: source('YOLOv8l', ULTRALYTICS, 'AGPL-3.0', 'yolov8l.pt'),
  yolov8x: source(
    'YOLOv8x',
    ULTRALYTICS,
    'AGPL-3.0',
    'yolov8x.pt',
    136_867_539,
    'c4d5a3f000d771762f03fc8b57ebd0aae324aeaefdd6e68492a9c4470f2d1e8b',
  ),
};
