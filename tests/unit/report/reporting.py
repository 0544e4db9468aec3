"""Tables and page of a run, made as the jobs of a run make them; and how to read the page."""

import base64
import json
import re
import zlib
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

from simaudit.figures.drawing import draw
from simaudit.figures.figure import figure_types
from simaudit.provenance.records import Record
from simaudit.report.page.write import write_page
from simaudit.report.tables.every import every_table
from simaudit.report.tables.forms import write
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import write_json
from simaudit.vocabulary.paths import FIGURE_SUFFIXES, TARGET_FILES

FIGURES = ("metrics_over_time", "roc_loglog", "statistic_histogram")
REASON = "there is nothing to be seen in it"
REPORTED = {
    "run": {},
    "net": dict.fromkeys(FIGURES),
    "net-seed1": {"roc_loglog": REASON},
    "other": {"roc_loglog": REASON, "statistic_histogram": None},
    "raw": {},
}
"""The figures of the small run that the shared report shows, each None or the reason why it is not drawn."""


def unpacked(text):
    """What a page has packed."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def known_of(html):
    """What a page knows of its numbers."""
    return unpacked(html.split('id="packed">')[1].split("<")[0])


def opened(html):
    """A page with all that it has packed."""
    return re.sub(r'<div data-packed="([^"]*)">', lambda match: f"<div>{unpacked(match[1])}", html)


@dataclass
class Read(HTMLParser):
    """What stands in a page: its plain text by part, its links, ids and pictures."""

    numbers: list[tuple[str, str]] = field(default_factory=list)
    """(where it leads, what is printed) of each number."""
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    sources_of_pictures: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """The text of the body outside numbers, the list of sources, scripts and style."""

    @classmethod
    def of(cls, text, known=None) -> "Read":
        """Read a page with what it unpacks when it is unfolded."""
        page = cls()
        HTMLParser.__init__(page)
        page.known = known_of(text) if known is None else known
        page.open_tags, page.in_number = [], False
        page.feed(opened(text))
        return page

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in ("meta", "link", "img", "wbr"):
            self.open_tags.append((tag, given.get("id")))
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given and tag == "a" else []
        self.sources_of_pictures += [given["src"]] if tag == "img" else []
        if "data-number" in given:
            self.numbers.append((f"#number-{self.known['numbers'][int(given['data-number'])]['id']}", ""))
            self.in_number = True

    def handle_endtag(self, tag):
        while self.open_tags.pop()[0] != tag:
            pass
        if tag == "a":
            self.in_number = False

    def handle_data(self, data):
        inside = {name for pair in self.open_tags for name in pair}
        if self.in_number:
            place, text = self.numbers[-1]
            self.numbers[-1] = (place, text + data)
        elif not inside & {"sources", "script", "style", "head"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join("".join(self.words).split())


@dataclass(frozen=True)
class Reported:
    """A folder results/ with report/index.html and tables/."""

    path: Path

    @property
    def html(self) -> str:
        return (self.path / "report/index.html").read_text(encoding="utf-8")

    @property
    def page(self) -> Read:
        return Read.of(self.html)


def report_on(run, figures=None, trainings=(), split=None, show_records=True) -> Reported:
    """Draw figures, then write tables and the page; `figures` says by target and name why one is not drawn, if so."""
    root = run.audit.path
    figures = {"run": {}} if figures is None else figures
    drawn = {of: [name for name, why in reasons.items() if why is None] for of, reasons in figures.items()}
    for target in run.targets:
        for name in drawn.get(target.target, ()):
            paths = [root / f"figures/{target.target}/{name}.{suffix}" for suffix in FIGURE_SUFFIXES]
            draw(figure_types()[name](), target).save(paths)
    summaries = {target: root / f"targets/{target}/training.json" for target in dict(trainings)}
    for target, training in dict(trainings).items():
        write_json(summaries[target], training)
    undrawn = {
        of: {figure_types()[name].title: why for name, why in reasons.items() if why}
        for of, reasons in figures.items()
    }
    for target in run.targets:
        _record(root, target.target)
    write(every_table(run.findings), run.findings.ledger, root / "tables")
    splits = {"s": split or {"allow_duplicates": False}}
    write_json(root / "verdict.json", run.verdict())
    findings = replace(run.findings, show_records=show_records)
    at_risk = [
        {of: root / TARGET_FILES[name].format(target=of) for of in findings.targets if show_records}
        for name in ("at_risk_samples", "at_risk_sheet")
    ]
    write_page(root / "report/index.html", root, findings, drawn, undrawn, splits, summaries, "", *at_risk)
    return Reported(root)


def _record(root, target):
    """The records of a target's evaluation and of one score file that it read."""
    scores, summary = root / f"scores/{target}/sima.parquet", root / f"evaluation/{target}.json"
    jobs = {
        f"score/{target}/sima": ({"norms": [4]}, [], [scores]),
        f"evaluate/{target}": ({"bootstrap": 100, "seed": 7}, [scores], [summary]),
    }
    for job, (params, read, made) in jobs.items():
        record = Record(
            job=job,
            stamp=f"results/params/{job}.json",
            command=["simaudit", "run", job],
            params=params,
            code={},
            inputs={str(path): sha256_file(path) for path in read},
            outputs={str(path): sha256_file(path) for path in made},
            speed={},
            environment={"versions": {}, "lock": None},
        )
        record.write(root / f"records/{job}.json")
