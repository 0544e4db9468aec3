"""The words that stand beside a picture: written when it is drawn, read by the page."""

from dataclasses import dataclass
from pathlib import Path

from simaudit.storage.json import read_json
from simaudit.storage.reading import reading


@dataclass(frozen=True)
class Caption:
    """The words of one picture.

    `title` is a heading. `sentence` says what this picture shows and mentions numbers as `[[id]]`; it may be empty.
    `reading` are paragraphs that say how to read such a picture. `left_out` says what it has no place for and why, in
    words that follow its title, and may mention numbers; it is empty where the picture is whole.
    """

    title: str
    sentence: str
    reading: list[str]
    left_out: str = ""

    @classmethod
    def read(cls, path: Path) -> "Caption":
        """Read a caption from its JSON file. Raises SimauditError when it is missing or is not a caption."""
        with reading(path, "a caption of a figure"):
            return cls(**read_json(path))
