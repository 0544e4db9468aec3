"""The commands in README.md and docs/, and what each needs to be true: checked without running any."""

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click
import dvc.cli
import yaml
from run_numbers import pages
from snakemake.cli import get_argument_parser

from simaudit.cli import simaudit
from simaudit.figures.figure import figure_types
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[1]
SEPARATORS = {"&&", "||", ";", "|"}


class Command(NamedTuple):
    """A command of a page; one that stands within a sentence may leave out what it needs."""

    page: str
    words: tuple[str, ...]
    whole: bool


def blocks(text: str, kind: str) -> list[str]:
    """The blocks of one kind in the text of a page, each as one text."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands() -> Iterator[Command]:
    """Every command of every page: each line of a block, and each `…` that begins with a program's name."""
    for page in pages():
        text = re.sub(
            r"^```(?!sh\n).*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        text = re.sub(r"<<'END'\n.*?^END$", "", text, flags=re.DOTALL | re.MULTILINE)
        indented = re.findall(r"^(?: {4}|\t)(.*)", text, flags=re.MULTILINE)
        fenced = "".join(blocks(text, "sh"))
        for line in [*indented, *fenced.splitlines()]:
            yield from _commands(page.name, line, whole=True)
        sentences = re.sub(r"^(?: {4}[^\n]*|```.*?^```)$", "", text, flags=re.DOTALL | re.MULTILINE)
        for code in re.findall(r"`([^`\n]+)`", sentences):
            yield from _commands(page.name, code, whole=False)


def _commands(page: str, line: str, whole: bool) -> Iterator[Command]:
    if not re.match(r"\s*(?:[A-Z_]+=\S+ |'\S+' )*(?:simaudit|snakemake|dvc|make) ", line):
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in SEPARATORS:
            while words and re.match(r"[A-Z_]+=", words[0]):
                words = words[1:]
            if words and words[0] in CHECKS:
                yield Command(page, tuple(words), whole)
            words = []
        else:
            words.append(word)


def wrong(command: Command) -> str | None:
    """What is wrong with a command, if anything."""
    try:
        CHECKS[command.words[0]](list(command.words[1:]), command.whole)
    except (click.ClickException, SystemExit, AssertionError, SimauditError) as error:
        return f"{command.page}: {' '.join(command.words)}: {error!r}"
    return None


def _simaudit(words: list[str], whole: bool) -> None:
    with click.Context(simaudit, info_name="simaudit") as top:
        if words[0].startswith("-"):
            assert words[0] in ("--help", "--version"), words[0]
            return
        if words[0] == "COMMAND":
            return
        assert words[0] in simaudit.commands, f"no subcommand {words[0]}"
        placeholders = any(word.isupper() for word in words) or "[" in "".join(words)
        given = [word.strip("[]") for word in words[1:]]
        command = simaudit.commands[words[0]]
        command.make_context(words[0], given, parent=top, resilient_parsing=not whole or placeholders)
    if words[0] == "figure" and whole:
        knobs = [text.partition("=")[0] for flag, text in pairwise(words) if flag == "--set"]
        assert set(knobs) <= set(figure_types()[words[1]].model_fields), knobs
    if words[0] in ("trace", "verify", "run") and whole:
        for name in words[1:]:
            assert (
                name.startswith("-") or "/" not in name or name.upper() == name or name in _made() | _names()
            ), name


def _snakemake(words: list[str], whole: bool) -> None:
    asked = _quiet(get_argument_parser().parse_args, words)
    for file in asked.configfile or []:
        assert (ROOT / file).is_file() or str(file) in WRITTEN_BY_THE_READER, file
    for profile in [asked.profile or []] if isinstance(asked.profile, str) else asked.profile or []:
        assert (ROOT / profile).exists() or profile in WRITTEN_BY_THE_READER, profile
    for target in asked.targets:
        assert target in _made(), target


WRITTEN_BY_THE_READER = {"own.yaml", "site.yaml", "cifar10.yaml"}


def _dvc(words: list[str], whole: bool) -> None:
    asked = _quiet(dvc.cli.parse_args, words)
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for setting in getattr(asked, "set_param", None) or []:
        at = parameters
        for key in setting.partition("=")[0].split("."):
            assert key in at, f"params.yaml has no {setting}"
            at = at[key]


def _make(words: list[str], whole: bool) -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    for word in words:
        assert "=" in word or word == "..." or word in targets | {".venv/.ready"}, f"make has no {word}"


CHECKS = {"simaudit": _simaudit, "snakemake": _snakemake, "dvc": _dvc, "make": _make}


def _quiet(parse, words: list[str]):
    said = StringIO()
    try:
        with redirect_stderr(said), redirect_stdout(said):
            return parse(words)
    except (SystemExit, dvc.cli.DvcParserError) as error:
        raise AssertionError(said.getvalue().strip().splitlines()[-1:]) from error


@cache
def _default_jobs():
    return list(jobs(load([ROOT / "params.yaml"])))


@cache
def _names() -> set[str]:
    return {job.name for job in _default_jobs()} | {job.process for job in _default_jobs()}


@cache
def _made() -> set[str]:
    return {path.as_posix() for job in _default_jobs() for path in job.outputs}


def missing_paths(text: str) -> set[str]:
    """The paths in a page's code that are neither in the repository nor made by a job of the default run."""
    code = re.findall(r"`([^`\n]+)`|^ {4}(.*)$", text, flags=re.MULTILINE)
    words = {word for found in code for word in re.findall(r"[\w./-]+", " ".join(found))}
    return {word for word in words if re.match(FOLDERS, word) and not _is_there(word)}


FOLDERS = r"(src|docs|experiments|profiles|tests|benchmarks|workflow|results|data)/"
OF_READERS = r"data/raw/|.*(NAME|theirs|my_attack)|results/crate"
"""Paths of files that a reader writes or asks for, and of examples."""
BESIDE_OUTPUTS = r"results/((records|logs|unfinished|params|checkpoints)/|(asked|speed|processes)\.json)"
"""What the workflow keeps beside the outputs of jobs."""


def _is_there(name: str) -> bool:
    in_repository = any((folder / name).exists() for folder in (ROOT, ROOT / "src/simaudit"))
    path = Path(name)
    made = any(path == file or path in file.parents or file in path.parents for file in map(Path, _made()))
    return in_repository or made or bool(re.match(f"{OF_READERS}|{BESIDE_OUTPUTS}", name))
