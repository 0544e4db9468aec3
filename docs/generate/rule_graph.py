"""docs/rules.svg: which kind of Snakemake rule reads what another one makes, in the default run.

`snakemake --rulegraph` draws one box for each audit; here they are one. `python docs/generate/rule_graph.py` needs
`dot` of Graphviz; a test fails while the picture has other arrows than the jobs.
"""

import re
import subprocess
from pathlib import Path

from simaudit.plan.jobs import jobs
from simaudit.plan.load import load

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs/rules.svg"
STYLE = """
rankdir=LR; bgcolor=white; ranksep=0.35; nodesep=0.12
node [shape=box, style="rounded,filled", fillcolor="#eef3fb", color="#4a6fa5", fontname="sans-serif", fontsize=13]
edge [color="#7a869a", arrowsize=0.6]
"""

Arrows = set[tuple[str, str]]
"""Pairs of a kind of rule, and of one that reads what it makes."""


def arrows() -> Arrows:
    """Return the arrows between kinds of rules, without those that follow from others."""
    made: dict[str, str] = {}
    found: Arrows = set()
    for job in jobs(load([ROOT / "params.yaml"])):
        kind = job.done_by.split("/")[0]
        for path in job.inputs:
            makers = {made[part.as_posix()] for part in (path, *path.parents) if part.as_posix() in made}
            found |= {(maker, kind) for maker in makers - {kind}}
        made |= {path.as_posix(): kind for path in job.outputs}
    return {arrow for arrow in found if not _is_led_around(arrow, found)}


def drawn() -> Arrows:
    """Return the arrows of the picture."""
    titles = re.findall(r"<title>(\w+)&#45;&gt;(\w+)</title>", PICTURE.read_text(encoding="utf-8"))
    return set(titles)


def _is_led_around(arrow: tuple[str, str], arrows: Arrows) -> bool:
    begin, end = arrow
    reached, last = {begin}, set[str]()
    while reached != last:
        last = set(reached)
        reached |= {to for of, to in arrows if of in reached and (of, to) != arrow}
    return end in reached


def main() -> None:
    lines = "\n".join(f"{begin} -> {end}" for begin, end in sorted(arrows()))
    dot = subprocess.run(
        ["dot", "-Tsvg"],
        input=f"digraph rules {{{STYLE}{lines}}}",
        text=True,
        capture_output=True,
        check=True,
    )
    PICTURE.write_text(re.sub(r"<!--.*?-->\n?", "", dot.stdout, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
