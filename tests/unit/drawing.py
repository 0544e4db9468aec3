"""Pictures that tests make: as the bytes of files, and as pixels by the sources' one conversion."""

from io import BytesIO

import numpy as np
from PIL import Image

from simaudit.data.pictures.conversion import pixels
from simaudit.data.sources.folder import Folder

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
"""Six pictures (H, W, C) of five rows and seven columns."""


def saved(picture, kind="PNG", **how):
    """The bytes of a file of a picture or of an array (H, W[, C])."""
    stream = BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(stream, kind, **how)
    return stream.getvalue()


def converted(data, **knobs):
    """The pixels (C, H, W) of a file's bytes, or of what `saved` takes, under these knobs."""
    data = data if isinstance(data, bytes) else saved(data)
    return pixels(data, Folder(source="folder", path="anywhere", **knobs))
