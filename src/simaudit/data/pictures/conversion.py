"""The one conversion of a picture to pixels. docs/data.md lists its rules."""

import numpy as np
from PIL import Image

from simaudit.data.pictures.decoding import PictureError, decoded
from simaudit.data.pictures.knobs import PictureKnobs
from simaudit.data.source import scaled

GREY = ("1", "L", "LA", "La")
EIGHT_BITS = (*GREY, "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV")
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of grey pictures, of those with at most 8 bits per channel, and of grey ones with 16."""
WHITEST = 65535  # of 16 bits


def pixels(data: bytes, knobs: PictureKnobs) -> np.ndarray:
    """Return the pixels (C, H, W) of a picture file's bytes: uint8, or float32 in [-1, 1] where it has 16 bits.

    Raises PictureError when the picture cannot be decoded, or when the knobs do not allow it.
    """
    picture = _sized(_coloured(decoded(data), knobs), knobs)
    values = np.asarray(picture)
    if picture.mode == "F":
        # Bicubic and Lanczos go beyond black and white.
        kept = scaled(np.clip(values, 0, WHITEST), 0, WHITEST)
        return np.stack([kept] * (3 if knobs.colour == "rgb" else 1))
    return np.ascontiguousarray(values.transpose(2, 0, 1) if values.ndim == 3 else values[np.newaxis])


def _coloured(picture: Image.Image, knobs: PictureKnobs) -> Image.Image:
    """Return an opaque picture of mode L or RGB, or of mode F with values from 0 to 65535."""
    if picture.mode in SIXTEEN_BITS or (picture.mode == "I" and picture.format == "PPM"):
        return _of_sixteen_bits(picture, knobs)
    if picture.mode in ("I", "F"):
        raise PictureError(
            "has 32 bits per pixel, whose range no picture states; use the source array for it"
        )
    if picture.mode not in EIGHT_BITS:
        raise PictureError(f"is in Pillow's mode {picture.mode}, which is not read; convert it to RGB")
    is_grey = knobs.colour == "grey" if knobs.colour else picture.mode in GREY
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() != (255, 255):
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, _background(knobs)), picture)
    return picture.convert("L" if is_grey else "RGB")


def _of_sixteen_bits(picture: Image.Image, knobs: PictureKnobs) -> Image.Image:
    values = np.asarray(picture).astype(np.float32)
    if (unseen := values == picture.info.get("transparency")).any():
        values[unseen] = WHITEST if _background(knobs) == "white" else 0
    return Image.fromarray(values)


def _background(knobs: PictureKnobs) -> str:
    if knobs.background is None:
        raise PictureError("has pixels that are not opaque; set background to white or black")
    return knobs.background


def _sized(picture: Image.Image, knobs: PictureKnobs) -> Image.Image:
    if knobs.size is None:
        return picture
    height, width = knobs.size
    part = picture.crop(_centre(picture.size, width, height)) if knobs.crop == "center" else picture
    if (part.width < width or part.height < height) and not knobs.enlarge:
        has = f"has {picture.height}×{picture.width} pixels"
        raise PictureError(f"{has}, too few for {height}×{width}; lower size, or set enlarge: true")
    if part.size == (width, height):
        return part
    return part.resize((width, height), Image.Resampling[knobs.resample.upper()])


def _centre(size: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """Return the box of the largest centred part of a picture (W, H) with the aspect ratio width : height.

    Its sides are whole pixels, rounded down; of an odd rest, one pixel more is left out at the right or at the bottom.
    """
    whole_width, whole_height = size
    part_width = max(1, min(whole_width, whole_height * width // height))
    part_height = max(1, min(whole_height, whole_width * height // width))
    left, top = (whole_width - part_width) // 2, (whole_height - part_height) // 2
    return left, top, left + part_width, top + part_height
