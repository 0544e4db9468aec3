"""The words that stand beside a picture: written when it is drawn, read by the page."""

from dataclasses import dataclass
from pathlib import Path

from simaudit.storage.json import read_json
from simaudit.vocabulary.errors import SimauditError


@dataclass(frozen=True)
class Caption:
    """`title` is a heading; `sentence` says what this picture shows and mentions numbers as `[[id]]` (it may be empty);
    `reading` are paragraphs that say how to read such a picture.
    """

    title: str
    sentence: str
    reading: list[str]

    @classmethod
    def read(cls, path: Path) -> "Caption":
        """Raises SimauditError when the file is missing or is not a caption."""
        try:
            return cls(**read_json(path))
        except TypeError:
            raise SimauditError(f"{path}: not a caption of a figure; delete it and run again") from None
