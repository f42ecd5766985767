"""A larger model's answers for the photos of a pack: label maps from boxes, and embeddings to learn from.

    python teacher.py --teacher FOLDER --pack PACK [--embed SOURCE ...]

FOLDER holds MobileSAM (Zhang et al. 2023, Apache-2.0) as ONNX: `encoder.onnx` (1024 x 1024, normalised, to 256 x 64 x 64) and `sam.onnx` (upstream's
export of prompt encoder and mask decoder with one mask). A photo with boxes (`ID.json`) gets its label maps; every photo of the sources that
`--embed` names gets `PACK/teacher/SOURCE/ID.npy`, the embedding as int8 [64, 64, 256]. What is there already stays, so it goes on where it stopped.
"""

import argparse
import glob
import os

import numpy as np
import onnxruntime
import torch
from PIL import Image

from data import EMBEDDING_STEP, fitted, read_boxes
from detector import iou_matrix
from sources import layered, save_labels

SIDE = 1024
MEAN, STD = np.array([123.675, 116.28, 103.53], np.float32), np.array([58.395, 57.12, 57.375], np.float32)
AGREED = 0.75  # the least IoU of a box and its mask's own box, and the least IoU that the teacher expects of a mask


def session(path: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def frame(photo: Image.Image) -> np.ndarray:
    """SAM's preprocessing: the longest side to 1024, normalised, zeros to the right and below."""
    pixels = np.asarray(fitted(photo, SIDE), np.float32)
    h, w = pixels.shape[:2]
    out = np.zeros((1, 3, SIDE, SIDE), np.float32)
    out[0, :, :h, :w] = ((pixels - MEAN) / STD).transpose(2, 0, 1)
    return out


class Teacher:
    def __init__(self, folder: str, threads: int):
        self.encoder = session(os.path.join(folder, "encoder.onnx"), threads)
        self.decoder = session(os.path.join(folder, "sam.onnx"), threads)

    def encode(self, photo: Image.Image) -> np.ndarray:
        """[1, 256, 64, 64]."""
        return self.encoder.run(None, {self.encoder.get_inputs()[0].name: frame(photo)})[0]

    def mask(self, embedding: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, float]:
        """The mask [h, w] of a box (x0, y0, x1, y1 in pixels of a photo of `size` h, w), and the IoU that the teacher expects of it."""
        masks, iou = self.decoder.run(["masks", "iou_predictions"], {
            "image_embeddings": embedding, "point_coords": (box * (SIDE / max(size))).reshape(1, 2, 2).astype(np.float32),
            "point_labels": np.array([[2, 3]], np.float32), "mask_input": np.zeros((1, 1, 256, 256), np.float32),
            "has_mask_input": np.zeros(1, np.float32), "orig_im_size": np.array(size, np.float32)})  # fmt: skip
        return masks[0, 0] > 0, float(iou[0, 0])


def agrees(mask: np.ndarray, box: np.ndarray) -> bool:
    """Whether the mask's own box is the one that was asked for."""
    ys, xs = np.nonzero(mask)
    if len(xs) == 0:
        return False
    own = torch.tensor([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], dtype=torch.float32)
    return iou_matrix(own, torch.from_numpy(box)[None]).item() >= AGREED


def label(teacher: Teacher, embedding: np.ndarray, boxes: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    masks = []
    for box in boxes:
        mask, expected = teacher.mask(embedding, box, size)
        if expected >= AGREED and agrees(mask, box):
            masks.append(mask)
    return layered(masks)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--teacher", required=True)
    p.add_argument("--pack", required=True)
    p.add_argument("--embed", nargs="*", default=[], help="sources whose embeddings are kept, 1 MB a photo")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    teacher = Teacher(args.teacher, args.threads)
    for source in sorted(os.listdir(os.path.join(args.pack, "train"))):
        folder, kept = os.path.join(args.pack, "teacher", source), 0
        if source in args.embed:
            os.makedirs(folder, exist_ok=True)
        for path in sorted(glob.glob(os.path.join(args.pack, "train", source, "*.jpg"))):
            name = os.path.basename(path)[:-4]
            boxes, store = read_boxes(path[:-4] + ".json"), os.path.join(folder, name + ".npy")
            unlabelled = boxes is not None and not os.path.exists(path[:-4] + "_0.png")
            wanted = source in args.embed and not os.path.exists(store)
            if not unlabelled and not wanted:
                continue
            photo = Image.open(path).convert("RGB")
            embedding = teacher.encode(photo)
            if unlabelled:
                layers = label(teacher, embedding, boxes[:, :4], (photo.height, photo.width))
                save_labels(path[:-4], layers)
                kept += sum(int(layer.max()) for layer in layers)
            if wanted:
                whole = (embedding[0].transpose(1, 2, 0) / EMBEDDING_STEP).round().clip(-127, 127).astype(np.int8)
                np.save(store + ".tmp.npy", whole)
                os.replace(store + ".tmp.npy", store)
        print(source, "masks from boxes:", kept, flush=True)


if __name__ == "__main__":
    main()
