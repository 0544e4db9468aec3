"""What disagrees in a run: one line each."""

from dataclasses import dataclass

from simaudit.vocabulary.errors import SimauditError


@dataclass(frozen=True)
class Disagreement:
    """What disagrees, where, and what was expected and found there. `job` is the one that made it, where one did."""

    what: str
    where: str
    expected: str
    found: str
    job: str | None = None

    @classmethod
    def of(cls, error: SimauditError, what: str = "file", job: str | None = None) -> "Disagreement":
        """Return that of a file which cannot be read, from the line that says so."""
        where, _, why = " ".join(str(error).split()).partition(": ")
        return cls(what, where, "what can be read", why, job)

    def __str__(self) -> str:
        return f"{self.what}: {self.where}: expected {self.expected}, found {self.found}"
