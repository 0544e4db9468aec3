"""Sources that the digests of code are of in a test, in the place of the package's own."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from simaudit.provenance import code


@dataclass(frozen=True)
class Sources:
    """A folder of sources that is read anew after every change."""

    path: Path

    @classmethod
    def copied(cls, path: Path) -> "Sources":
        """The package's own sources."""
        shutil.copytree(code.ROOT, path, ignore=shutil.ignore_patterns("__pycache__"))
        return cls(path)

    def write(self, module: str, text: str) -> None:
        """Write a module, such as data/split."""
        path = self.path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        forget()

    def append(self, module: str, text: str) -> None:
        """Write lines at the end of a module."""
        self.write(module, (self.path / f"{module}.py").read_text(encoding="utf-8") + text)


def forget() -> None:
    """Let the next digest read all sources again."""
    for function in (code._file, code._read, code._digest, code._digests):
        function.cache_clear()
