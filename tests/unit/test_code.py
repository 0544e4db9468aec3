"""The digest of a job's code changes with everything that the job computes by, and with nothing else."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from sources import Sources, forget

from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance import code
from simaudit.provenance.stamps import code_of

ROOT = Path(__file__).parents[2]
RUN = '''
"""A phase."""

from math import sqrt
from typing import TYPE_CHECKING

from simaudit.helper import Base, decorated, double, settings
from simaudit.helper import shown as said

if TYPE_CHECKING:
    from simaudit.types import Job

FACTOR = 2
UNUSED = 3

settings["precision"] = 7


@decorated
def run(job: "Job") -> float:
    """Do the job."""
    from simaudit.late import later

    # It is known how.
    if job:
        return later(double(FACTOR))
    return Thing(sqrt(job)).value()


class Thing(Base):
    """A thing."""

    unit: int = 1

    def __init__(self, size: float) -> None:
        self.size = size


def other(later):
    return said(later)
'''
HELPER = '''
"""Helps."""

settings = {}
COUNT = 5


def double(number):
    return number * 2


def half(number):
    return number / 2


def shown(number):
    return str(number)


def decorated(function):
    def call(job):
        return scaled(function(job))

    return call


def scaled(number):
    return number * COUNT


class Base:
    def value(self):
        return scaled(self.size)
'''
LATE = "def later(number):\n    return number + 1\n"
FILES = {"phase": RUN, "helper": HELPER, "late": LATE, "types": "class Job: ...\n", "__init__": ""}


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """A function that writes modules into a package and returns the digest of simaudit.phase:run, or of `places`."""
    sources = Sources(tmp_path / "simaudit")

    def digest_of(files, *places):
        for module, text in files.items():
            sources.write(module, text)
        return code.digest(places or ["simaudit.phase:run"])

    monkeypatch.setattr(code, "ROOT", sources.path)
    yield digest_of
    forget()


def changed(module, old, new):
    assert old in FILES[module]
    return FILES | {module: FILES[module].replace(old, new)}


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("phase", "    # It is known how.\n", ""),
        ("phase", '"""Do the job."""', '"""Do all of the job."""'),
        ("phase", '    """Do the job."""\n', ""),
        ("phase", '"""A thing."""', "'''Something.'''"),
        ("phase", '"""A phase."""', '"""Another."""'),
        ("phase", "return later(double(FACTOR))", "return later(\n            double(FACTOR),\n        )"),
        ("phase", '(job: "Job") -> float', "(job)"),
        ("phase", "(self, size: float) -> None", "(self, size: int) -> str"),
        ("phase", "from simaudit.types import Job", "from simaudit.types import Job, Other"),
        ("phase", "if TYPE_CHECKING:\n    from simaudit.types import Job\n", ""),
        ("types", "class Job: ...", "class Job:\n    name = 1"),
        ("phase", "UNUSED = 3", "UNUSED = 4"),
        ("phase", "return said(later)", "return later"),
        ("helper", "return number / 2", "return number / 3"),
        ("helper", "return str(number)", "return repr(number)"),
    ],
)
def test_what_computes_nothing_for_the_job_does_not_count(digest, module, old, new):
    assert digest(changed(module, old, new)) == digest(FILES)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("phase", "if job:", "if not job:"),
        ("phase", "FACTOR = 2", "FACTOR = 3"),
        ("phase", '["precision"] = 7', '["precision"] = 8'),
        ("phase", "@decorated\n", ""),
        ("phase", "class Thing(Base)", "class Thing"),
        ("phase", "unit: int = 1", "unit: float = 1"),  # pydantic reads the annotations of classes
        ("phase", "from math import sqrt", "from math import cbrt as sqrt"),
        ("helper", "return number * 2", "return number * 3"),
        ("helper", "return scaled(function(job))", "return function(job)"),
        ("helper", "return number * COUNT", "return number + COUNT"),
        ("helper", "return scaled(self.size)", "return self.size"),
        ("helper", "COUNT = 5", "COUNT = 6"),
        ("helper", "settings = {}", "settings = dict(a=1)"),
        ("late", "number + 1", "number + 2"),
    ],
)
def test_every_statement_that_the_job_reaches_counts(digest, module, old, new):
    before, after = digest(FILES), digest(changed(module, old, new))
    assert before != after
    assert {name for name in before | after if before.get(name) != after.get(name)} >= {f"simaudit.{module}"}


HALF = "from simaudit.helper import half"


def phase(top, body):
    """A module whose function `run` has this body, after these lines."""
    return {"phase": f"{top}\ndef run(job):\n    {body}\n"}


@pytest.mark.parametrize(
    "body",
    [
        "half = job; return half",
        "return [half for half in job]",
        "return {half: other for half, *other in job}",
        "return lambda half, *other: half",
        "return (lambda **half: half)(job)",
        "half: list = job; return lambda: half",
        "def half(): ...; return half()",
        "class half: ...; return half()",
        "return job.half",
        "return 'half'",
        "half: half.list = 1; return 1",
        "for half, other in job: print(half)",
        "\n    with job as half: print(half)",
        "\n    try: print(job)\n    except ValueError as half: print(half)",
    ],
)
def test_a_name_that_the_code_gives_itself_is_no_reference(digest, body):
    """The module has an import of that name, which no line of `run` means."""
    before = digest(FILES | phase(HALF, body))
    assert digest(changed("helper", "number / 2", "number / 3") | phase(HALF, body)) == before


@pytest.mark.parametrize(
    ("top", "body"),
    [
        ("from simaudit import helper", "return helper.half(job)"),
        ("import simaudit.helper", "return simaudit.helper.half(job)"),
        ("import simaudit.helper\nimport simaudit.late", "return simaudit.helper.half(job)"),
        ("import simaudit.helper as h", "return h.half(job)"),
        ("from .helper import half", "return half(job)"),
        ("from . import helper", "return helper.half(job)"),
        ("from simaudit.helper import *", "return half(job)"),
        ("from simaudit.between import half", "return half(job)"),
        ("from simaudit import between", "return between.half(job)"),
        ("", "import simaudit.helper; return simaudit.helper.half(job)"),
        ("", f"{HALF} as h; return [h(part) for part in job]"),
        (f"try:\n    {HALF}\nexcept ImportError:\n    half = abs", "return half(job)"),
        (f"if TYPE_CHECKING:\n    half = abs\nelse:\n    {HALF}", "return half(job)"),
        (HALF, "return [half for half in half(job)]"),
        (HALF, "return {half: 1 for half in half(job)}"),
        (HALF, "global half; half = half(job); return half"),
        (HALF, "return lambda job, by=half: [by(half) for half in job]"),
        (HALF, "\n    match job:\n        case half.value: return 1"),
        (f"{HALF}\n@half\ndef inner(half): return half", "return inner(job)"),
        (f"{HALF}\ndef inner(*, by=half): half = by; return half", "return inner()"),
        (f"{HALF}\nasync def wait(): return half(1)", "return wait()"),
        (f"{HALF}\nclass Thing(metaclass=half): ...", "return Thing"),
        (f"{HALF}\nclass Thing:\n    size: 'list[half]' = 1", "return Thing"),
        (
            f"{HALF}\nclass Thing:\n    def one(self):\n        from simaudit.late import later as half\n"
            "        return half\n    def two(self): return half(1)",
            "return Thing().two()",
        ),
        (f"{HALF}\nLEVELS = [half(1)]", "return LEVELS"),
        (f"{HALF}\nA, (B, *C) = half(1)", "return C"),
        (f"{HALF}\nX = 1\nX += half(1)", "return X"),
        (f"{HALF}\nif half(2) > 1:\n    LIMIT = 1", "return LIMIT"),
        (f"{HALF}\nprint(half(1))", "return 1"),
        (f"{HALF}\nOLD = half(1)", "return 1"),
    ],
)
def test_code_is_reached_however_it_is_named(digest, top, body):
    files = phase(top, body) | {"between": HALF}
    before = digest(FILES | files)
    assert digest(changed("helper", "number / 2", "number / 3") | files) != before


def test_two_functions_that_change_their_names_are_a_change(digest):
    one, other = (
        FILES | phase(f"{HALF} as {x}, double as {y}", "return a(job) - b(job)") for x, y in ("ab", "ba")
    )
    assert digest(one) != digest(other)


@pytest.mark.parametrize(
    "files",
    [
        phase("import simaudit.quiet", "return 1"),
        phase("", "import simaudit.quiet; return 1"),
        phase("from simaudit.middle import one", "return one"),
        phase("from simaudit.quiet import nothing", "return 1"),
    ],
)
def test_what_runs_when_a_module_is_imported_counts_also_if_no_name_of_it_is_used(digest, files):
    files |= {"middle": "import simaudit.quiet\none = 1\n", "quiet": "nothing = 0\nprint(1)\nunused = 2\n"}
    before = digest(files | {"__init__": ""})
    assert digest(files | {"quiet": "nothing = 0\nprint(2)\nunused = 2\n"}) != before
    assert digest(files | {"quiet": "nothing = 0\nprint(1)\nunused = 3\n"}) == before


def test_a_package_runs_before_its_modules(digest):
    files = {"deep/phase": phase("", "return 1")["phase"], "deep/__init__": "", "__init__": ""}
    before = digest(files, "simaudit.deep.phase:run")
    assert digest(files | {"deep/__init__": "print(1)\n"}, "simaudit.deep.phase:run") != before
    assert digest(files | {"__init__": "print(1)\n"}, "simaudit.deep.phase:run") != before


def test_in_a_package_a_name_may_be_a_module_or_a_definition(digest):
    files = phase("from simaudit.deep import part", "return part.one")
    files |= {"deep/__init__": "part = 1\n", "deep/part": "one = 1\n"}
    before = digest(files)
    assert digest(files | {"deep/part": "one = 2\n"}) != before
    assert digest(files | {"deep/__init__": "part = 2\n"}) != before


@pytest.mark.parametrize("reading", ["Thing.__doc__", "getdoc(Thing)", "inspect.getdoc(Thing)"])
def test_docstrings_of_classes_count_where_the_code_reads_them(digest, reading):
    one, other = "class Thing:\n    '''One.'''", "class Thing:\n    '''Other.'''"
    assert digest(phase(one, f"return {reading}")) != digest(phase(other, f"return {reading}"))
    assert digest(phase(one, "return Thing")) == digest(phase(other, "return Thing"))
    one, other = "def inner():\n    '''One.'''", "def inner():\n    '''Other.'''"
    assert digest(phase(one, f"return {reading}, inner")) == digest(phase(other, f"return {reading}, inner"))


def test_a_figure_whose_caption_has_its_docstring_depends_on_it_and_no_other_does(tmp_path, monkeypatch):
    wanted = {job.name: job for job in jobs(load([ROOT / "params.yaml"]))}
    sources = Sources.copied(tmp_path / "simaudit")
    monkeypatch.setattr(code, "ROOT", sources.path)

    def digests():
        forget()
        return [code_of(wanted[f"figure/digits-ddpm/{name}"]) for name in ("norms", "queries")]

    norms, queries = digests()
    file, start = sources.path / "figures/of_target/norms.py", '(TargetFigure):\n    """'
    assert start in file.read_text()
    file.write_text(file.read_text().replace(start, f"{start}Other words. "))
    after = digests()
    assert after[0] != norms
    assert after[1] == queries
    forget()


def test_a_module_counts_as_a_whole_where_it_is_chosen_by_the_parameters(digest):
    places = ["simaudit.phase:run", "simaudit.late"]
    files = FILES | {"late": f"{LATE}\nSIZE = 1\n"}
    assert digest(files, *places) != digest(files | {"late": f"{LATE}\nSIZE = 2\n"}, *places)


def test_modules_that_cannot_change_a_result_do_not_count(digest):
    files = phase("from simaudit.vocabulary.paths import where", "return where(job)")
    module = {"vocabulary/paths": "def where(job):\n    return 1\n", "vocabulary/__init__": ""}
    other = {"vocabulary/paths": "print(1)\ndef where(job):\n    return 2\n"}
    assert "simaudit.vocabulary.paths" in code.UNTRACKED
    assert digest(files | module) == digest(files | module | other)
    assert set(digest(files | module)) == {"simaudit.phase"}


def test_every_untracked_module_is_there():
    assert [module for module in code.UNTRACKED if find_spec(module) is None] == []


@pytest.mark.parametrize("place", ["simaudit.phase:gone", "simaudit.gone:run", "simaudit.gone", "math:sqrt"])
def test_what_is_not_in_the_package_is_refused(digest, place):
    digest(FILES)
    with pytest.raises(code.NotHere, match=place.split(":")[0]):
        code.digest([place])


def test_a_method_stands_for_its_class(digest):
    assert "simaudit.helper" in digest(FILES, "simaudit.phase:Thing.value")
