"""The command-line flags of a training, as a file of lines `--name=value` or `--name value`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from simaudit.storage.reading import reading
from simaudit.vocabulary.errors import SimauditError, shown

Value = TypeVar("Value")
Kind = Callable[[Sequence[str]], Value]
"""Reads the texts that were given to one flag; raises ValueError, saying what they must be."""

FLAG = re.compile(r"(?<![^\s\"'])--([A-Za-z_]\w*)(?:=|[ \t]+)?((?:(?!\s--[A-Za-z_])[^\n])*)")
COMMENT = re.compile(r"^\s*(#|//).*$", re.MULTILINE)
TRUTHS = {
    **dict.fromkeys(("true", "1", "yes", "t", "y"), True),
    **dict.fromkeys(("false", "0", "no", "f", "n"), False),
}
LARGEST_FILE = 2**20  # bytes


@dataclass(frozen=True)
class Flags:
    """What a flagfile says: the texts of every flag, in their order, by its name. Without a file, nothing.

    Flags that nobody asks for, such as those of the optimiser, do not matter. An empty text is as good as none.
    """

    file: Path | None
    texts: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, file: Path | None) -> Flags:
        """Return the flags of a file. Raises SimauditError when it is missing or no text."""
        texts: dict[str, list[str]] = {}
        if file is not None:
            with reading(
                file, "a flagfile", "name the file of --name=value lines that belongs to the checkpoint"
            ):
                if file.stat().st_size > LARGEST_FILE:
                    raise ValueError("it is too large")
                content = file.read_text(encoding="utf-8")
            for name, text in FLAG.findall(COMMENT.sub("", content)):
                texts.setdefault(name, []).append(text.strip(" \t\r\\\"'"))
        return cls(file, {name: values for name, values in texts.items() if any(values)})

    def value(self, name: str, kind: Kind[Value], default: Value) -> Value:
        """Return the value of a flag, or the default where it is not given. Raises SimauditError for a wrong one."""
        if name not in self.texts:
            return default
        try:
            return kind(self.texts[name])
        except ValueError as error:
            raise self.wrong(name, f"must be {error} (got {shown(' '.join(self.texts[name]))})") from None

    def wrong(self, name: str, why: str) -> SimauditError:
        """Return the error of a flag that the file gives."""
        return SimauditError(f"{self.file}: --{name}: {why}")

    def require(self, *names: str) -> None:
        """Raise SimauditError, naming them all, when flags are not given. `a|b` stands for one or the other."""
        missing = [name for name in names if not any(one in self.texts for one in name.split("|"))]
        if missing:
            listed = ", ".join(" or ".join(f"--{one}" for one in name.split("|")) for name in missing)
            where = self.file or "--flagfile"
            raise SimauditError(
                f"{where}: missing: {listed}; the weights do not tell, so write a line --name=value for each"
            )

    def require_agreement(self, weights: Mapping[str, tuple[Kind[Any], Any]]) -> None:
        """Raise SimauditError, naming them all, when flags are given and differ from what the weights have.

        `weights` holds, for each flag, how it is read and the value that the weights have.
        """
        differ = [
            f"--{name} is {shown(given)} and the weights have {shown(actual)}"
            for name, (kind, actual) in weights.items()
            if (given := self.value(name, kind, actual)) != actual
        ]
        if differ:
            raise SimauditError(
                f"{self.file}: {'; '.join(differ)}; name the flagfile that belongs to the checkpoint"
            )


def whole(texts: Sequence[str]) -> int:
    """Read a whole number; the last one counts."""
    last: int = _numbers(texts, int, "a whole number")[-1]
    return last


def wholes(texts: Sequence[str]) -> tuple[int, ...]:
    """Read whole numbers, in one text or several."""
    return _numbers(texts, int, "whole numbers")


def levels_among(widths: Sequence[int]) -> Kind[tuple[int, ...]]:
    """Read the levels of a network that has these widths; others that are named do not exist, and do not matter."""
    return lambda texts: tuple(sorted({*wholes(texts)} & {*range(len(widths))}))


def number(texts: Sequence[str]) -> float:
    """Read a number; the last one counts."""
    last: float = _numbers(texts, float, "a number")[-1]
    return last


def numbers(texts: Sequence[str]) -> tuple[float, ...]:
    """Read numbers, in one text or several."""
    return _numbers(texts, float, "numbers")


def truth(texts: Sequence[str]) -> bool:
    """Read True or False."""
    if texts[-1].lower() not in TRUTHS:
        raise ValueError("True or False")
    return TRUTHS[texts[-1].lower()]


def one_of(names: Mapping[str, str]) -> Kind[str]:
    """Read one of these names, and return what it stands for."""

    def read(texts: Sequence[str]) -> str:
        if texts[-1] not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return names[texts[-1]]

    return read


def _numbers(texts: Sequence[str], kind: type[Any], what: str) -> tuple[Any, ...]:
    try:
        values = tuple(kind(part) for text in texts for part in re.split(r"[\s,]+", text.strip("[]() ")))
    except ValueError:
        values = (math.nan,)
    if not all(map(math.isfinite, values)):
        raise ValueError(what)
    return values
