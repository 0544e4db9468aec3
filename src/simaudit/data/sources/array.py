"""Images in NumPy arrays: .npy files, or an .npz file, with their layout and their range of values stated."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import repeat
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from simaudit.data.source import Item, Source, Unusable, given_files, scaled
from simaudit.data.sources._npy import Stored, opened
from simaudit.data.sources._rows import require_as_many
from simaudit.storage.reading import reading
from simaudit.vocabulary.bounds import UNIQUE, Most
from simaudit.vocabulary.errors import FileError, SimauditError
from simaudit.vocabulary.knobs import GivenPath, ending

EIGHT_BITS = (0.0, 255.0)
LEAST_SHARE = 0.01
"""Of the stated range, that all values together must span: those of 0 to 1 in 0 to 255 would all be nearly black."""


def _require_rising(limits: tuple[float, ...]) -> tuple[float, ...]:
    if limits[0] >= limits[1]:
        raise PydanticCustomError("rising", "must be the lowest value and then the highest")
    return limits


Limit = Annotated[float, Field(ge=-1e9), Most(1e9, "no image has values that large")]
Range = Annotated[
    tuple[Limit, ...],
    Field(strict=False, min_length=2, max_length=2, json_schema_extra=UNIQUE),
    AfterValidator(_require_rising),
]
ArrayName = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""The name of an array in an .npz file, or beside an .npy file the path of another one."""


class Array(Source):
    """Images, and perhaps a label and a caption of each, in arrays with one entry for each image.

    `path` is an .npz file, in which `images`, `labels` and `captions` name arrays, or the .npy file of the images, to
    which `labels` and `captions` add others by their paths. `layout` says what the axes are: N images, H rows,
    W columns, C channels. `range` is the lowest and the highest value that a pixel may have, [0, 255] for uint8 where
    it is not stated. uint8 images of this range stay 8-bit, all others become float32.
    """

    source: Literal["array"]
    path: Annotated[GivenPath, ending(".npy", ".npz")]
    images: ArrayName | None = None
    labels: ArrayName | None = None
    captions: ArrayName | None = None
    layout: Literal["NHWC", "NCHW", "NHW"]
    range: Range | None = None

    @model_validator(mode="after")
    def _names_what_the_file_has(self) -> "Array":
        if self._has_names and not self.images:
            raise PydanticCustomError("images", "must say by images which array of an .npz file holds them")
        if not self._has_names and self.images:
            raise PydanticCustomError("images", "must not say images, since an .npy file has one array")
        for name in ("labels", "captions"):
            other = getattr(self, name)
            if other and not self._has_names and not other.endswith(".npy"):
                message = "must give {name} as the path of an .npy file, as path is one"
                raise PydanticCustomError("path", message, {"name": name})
        return self

    @property
    def _has_names(self) -> bool:
        return self.path.lower().endswith(".npz")

    @property
    def given(self) -> tuple[Path, ...]:
        return given_files(self.path, *(() if self._has_names else (self.labels, self.captions)))

    def items(self) -> Iterator[Item | Unusable]:
        """Yield the images in the order of their axis N. An image with values that are not finite is unusable.

        Raises SimauditError when an array does not fit what is stated of it.
        """
        with ExitStack() as stack:
            images = stack.enter_context(self._opened("images"))
            labels, captions = (
                stack.enter_context(self._opened(name)) if getattr(self, name) else None
                for name in ("labels", "captions")
            )
            _require_layout(images, self.layout)
            _require_one_each(labels, "labels", images, "whole numbers")
            _require_one_each(captions, "captions", images, "texts")
            pixels = _Pixels(images, self.layout, self.range)
            known = (
                column.rows() if column else repeat(None, images.shape[0]) for column in (labels, captions)
            )
            for number, (values, label, caption) in enumerate(zip(images.rows(), *known, strict=True)):
                made = pixels.of(number, values)
                if isinstance(made, Unusable):
                    yield made
                else:
                    yield Item(
                        made,
                        label=None if label is None else int(label.item()),
                        caption=None if captions is None else _text(captions, caption),
                    )
            pixels.require_contrast()

    def _opened(self, knob: str) -> AbstractContextManager[Stored]:
        """Open the array that the knob of this name says."""
        name = getattr(self, knob)
        if self._has_names:
            return opened(Path(self.path), name)
        return opened(Path(name or self.path))


class _Pixels:
    """Makes pixels (C, H, W) of the images of an array one by one, and sees what range of values they have."""

    def __init__(self, images: Stored, layout: str, limits: tuple[float, ...] | None) -> None:
        if images.dtype.kind not in "uif":
            raise FileError(f"{images.named}: holds {images.dtype}; save its images as uint8 or as float32")
        if limits is None and images.dtype != np.uint8:
            raise SimauditError(
                f"{images.named}: holds {images.dtype}; state the range of its values, such as range: [0, 1]"
            )
        self._low, self._high = limits or EIGHT_BITS
        self._stays = images.dtype == np.uint8 and (self._low, self._high) == EIGHT_BITS
        self._images, self._layout, self._least, self._most = images, layout, np.inf, -np.inf

    def of(self, number: int, values: np.ndarray) -> np.ndarray | Unusable:
        """Return the pixels of the image of this number, or why it cannot be used."""
        if (wrong := ~np.isfinite(values)).any():
            return Unusable(
                f"image {number}", f"has {_first(values, wrong)}; give it a value, or leave the image out"
            )
        least, most = float(values.min()), float(values.max())
        if least < self._low or most > self._high:
            value = _first(values, (values < self._low) | (values > self._high))
            return Unusable(
                f"image {number}",
                f"has {value}, outside the range {self._low:g} to {self._high:g}; state the range that the values have",
            )
        self._least, self._most = min(self._least, least), max(self._most, most)
        pixels = values[np.newaxis] if self._layout == "NHW" else values
        pixels = values.transpose(2, 0, 1) if self._layout == "NHWC" else pixels
        return pixels if self._stays else scaled(pixels, self._low, self._high)

    def require_contrast(self) -> None:
        """Raise SimauditError when all values lie in so small a part of the range that the range must be another."""
        if 0 <= self._most - self._least < LEAST_SHARE * (self._high - self._low):
            raise SimauditError(
                f"{self._images.named}: all values lie from {self._least:g} to {self._most:g}, hardly different in the "
                f"range {self._low:g} to {self._high:g}; state the range that they have, such as range: [0, 1]"
            )


def _text(captions: Stored, caption: np.ndarray) -> str:
    """Return one caption. Raises FileError when it is no Unicode text."""
    with reading(captions.path, "an array of texts", "save it again"):
        return str(caption.item()).encode().decode()


def _first(values: np.ndarray, wrong: np.ndarray) -> str:
    place = tuple(np.argwhere(wrong)[0].tolist())
    return f"the value {values[place]:g} at {list(place)}"


def _require_layout(images: Stored, layout: str) -> None:
    fitting = [other for other in ("NHWC", "NCHW", "NHW") if _fits(images.shape, other)]
    if layout not in fitting:
        remedy = f"state layout: {' or '.join(fitting)}" if fitting else "give images of such a shape"
        axes = {
            "NHWC": "4 axes, the last 1 or 3 long",
            "NCHW": "4 axes, the second 1 or 3 long",
            "NHW": "3 axes",
        }
        raise SimauditError(
            f"{images.named}: has shape {images.shape}, and {layout} has {axes[layout]}; {remedy}"
        )


def _fits(shape: tuple[int, ...], layout: str) -> bool:
    return len(shape) == len(layout) and ("C" not in layout or shape[layout.index("C")] in (1, 3))


def _require_one_each(stored: Stored | None, what: str, images: Stored, kind: str) -> None:
    """Raise FileError unless an array has one label, or one caption, for each image; the labels may be (N, 1)."""
    if stored is None:
        return
    require_as_many(images.shape[0], stored.shape[0], stored.named, what)
    is_kind = stored.dtype.kind == "U" if what == "captions" else stored.dtype.kind in "iub"
    if not is_kind or stored.shape[1:] not in ((), (1,)):
        raise FileError(
            f"{stored.named}: must hold {what} (N,) as {kind}, found {stored.dtype} {stored.shape}"
        )
