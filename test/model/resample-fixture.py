"""Writes resample-fixture.json: what Pillow and OpenCV make of noise, as CRC-32 of the RGB bytes.

Run with Pillow 11, OpenCV and numpy at hand (Pillow 13 resamples columns first where a photo is much taller than wide, which differs from the
horizontal pass first of earlier versions, and of SAM's preprocessing, by one level here and there): python resample-fixture.py > resample-fixture.json
The noise is mix(4 * pixel + channel), the mixing function of the golden cases' procedural tensors, and its upper byte.
"""

import json
import zlib

import cv2
import numpy
import PIL
from PIL import Image


def noise(width, height):
    pixel = numpy.arange(width * height, dtype=numpy.uint64)[:, None] * 4 + numpy.arange(3, dtype=numpy.uint64)
    x = pixel.astype(numpy.uint32)
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x85EBCA6B)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(0xC2B2AE35)
    x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(24)).astype(numpy.uint8).reshape(height, width, 3)


PIL_SIZES = [
    (1, 1, 64, 64), (1, 4000, 1, 512), (4000, 1, 512, 1), (2, 2, 64, 64), (37, 53, 89, 128), (301, 199, 128, 85),
    (128, 96, 128, 96), (129, 128, 128, 127), (1500, 17, 256, 3), (640, 480, 512, 384), (640, 480, 1024, 768),
    (7, 700, 1, 100), (1999, 1333, 512, 341),
]
CV_SIZES = [
    (1, 1, 64, 64), (2, 2, 64, 64), (37, 53, 89, 128), (301, 199, 128, 85), (128, 96, 64, 48), (129, 128, 128, 127),
    (1500, 17, 256, 3), (640, 480, 1024, 768), (640, 480, 512, 384), (7, 700, 1, 100), (1999, 1333, 512, 341),
]


def row(size, result):
    return {"from": size[:2], "to": size[2:], "crc": zlib.crc32(numpy.ascontiguousarray(result).tobytes())}


cv2.setUseOptimized(True)
print(json.dumps({
    "made": f"Pillow {PIL.__version__}, OpenCV {cv2.__version__}",
    "pil": [row(s, numpy.asarray(Image.fromarray(noise(*s[:2])).resize(s[2:], Image.BILINEAR))) for s in PIL_SIZES],
    "cv": [row(s, cv2.resize(noise(*s[:2]), s[2:], interpolation=cv2.INTER_LINEAR)) for s in CV_SIZES],
}, indent=1))
