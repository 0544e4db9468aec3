"""Decoding picture files with Pillow: a picture, or the reason why it cannot be used."""

import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from simaudit.vocabulary.errors import is_out_of_memory

EXTENSIONS = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm"),
    *(".ppm", ".tif", ".tiff", ".webp"),
)
"""The ends of the names of picture files, in lower case."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""Pillow's names of the formats that are read; others, such as PostScript, start other programs or are no pictures."""
LONGEST_REASON = 120  # characters of what Pillow says


class PictureError(Exception):
    """Why a picture cannot be used, as the clause that `Unusable` takes."""


def decoded(data: bytes) -> Image.Image:
    """Return the picture that a file's bytes hold, whatever its name ends in, turned as its EXIF data say.

    Raises PictureError when there is none, when it is not whole, has several frames, or more pixels than Pillow allows.
    """
    if not data:
        raise PictureError("is empty; replace or remove it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow takes all the same
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(BytesIO(data), formats=FORMATS)
            frames = _frames(picture)
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
        except UnidentifiedImageError:
            raise PictureError(f"is no {', '.join(FORMATS)} file; convert or remove it") from None
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            most = Image.MAX_IMAGE_PIXELS
            raise PictureError(
                f"has more than {most} pixels, which is Pillow's limit; make it smaller"
            ) from None
        except Exception as error:  # Pillow's decoders raise many kinds for a damaged file
            if is_out_of_memory(error):
                raise
            why = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
            raise PictureError(f"is truncated or damaged ({why}); replace or remove it") from None
    if frames > 1:
        raise PictureError(f"has {frames} frames; save the one that is meant as a picture of its own")
    return picture


def _frames(picture: Image.Image) -> int:
    """Return how many frames a picture has; the further ones of a JPEG file are previews and depth maps of a camera."""
    return 1 if picture.format in ("JPEG", "MPO") else getattr(picture, "n_frames", 1)
