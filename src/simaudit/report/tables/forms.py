"""The forms of a table: Markdown to be read as it is, CSV to be computed with, LaTeX to be put into a paper.

They differ in form alone: each prints the same cells of the same table from the same ledger.
"""

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from simaudit.evaluation.numbers import Ledger
from simaudit.figures.printed import NONE, TAIL, fill
from simaudit.report.tables.table import MEMBERS, TAIL_NOTE, Column, Table, printed

LIMITS = ("low", "high")


def markdown(table: Table, ledger: Ledger) -> str:
    """Return a title, the caption and a pipe table."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"

    lines = [f"**{table.title}.** {fill(table.caption, ledger)}".rstrip(), ""]
    lines += [line(column.label for column in table.columns), line(["---"] * len(table.columns))]
    lines += [line(printed(column, cell, ledger) for column, cell in row) for row in table.cells()]
    lines += ["", table.note] if table.note else []
    if table.has_mark(ledger):
        lines += ["", f"{TAIL}: {TAIL_NOTE}."]
    return "\n".join(lines) + "\n"


def comma_separated(table: Table, ledger: Ledger) -> str:
    """Return values in full, each limit in a column of its own, then the mark of a small tail and the id in the ledger.

    A number that the ledger lacks is an empty field, and so is its id; so are limits that a number came without.
    The last column of a table with targets is MEMBERS.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    members = [[word] for word in table.members(ledger)]
    names = [name for column in table.columns for name in _names(column)]
    writer.writerow([*names, *([MEMBERS.key] if members else [])])
    for row, word in zip(table.cells(), members or [[]] * len(table.rows), strict=True):
        writer.writerow([*(field for column, cell in row for field in _fields(column, cell, ledger)), *word])
    return stream.getvalue()


def _names(column: Column) -> list[str]:
    limits = [f"{column.key}_{limit}" for limit in LIMITS] + [f"{column.key}_mark"]
    return {
        "words": [column.key],
        "count": [column.key, f"{column.key}_id"],
        "estimate": [column.key, *limits, f"{column.key}_id"],
    }[column.holds]


def _fields(column: Column, cell: str, ledger: Ledger) -> list[str]:
    if column.holds == "words":
        return [cell]
    if cell not in ledger:
        return [""] * len(_names(column))
    number = ledger.numbers[cell]
    value, *limits = ("" if part is None else repr(part) for part in (number.value, number.low, number.high))
    mark = TAIL if number.tail_too_small else ""
    return [value, *([*limits, mark] if column.holds == "estimate" else []), cell]


def latex(table: Table, ledger: Ledger) -> str:
    """Return a tabular with the rules of booktabs; where it floats, and its caption, is the paper's own choice."""
    caption = " ".join([*fill(table.caption, ledger).split(), *table.note.split()])
    heads = [escape(column.label) for column in table.columns]
    body = [[_latex_cell(column, cell, ledger) for column, cell in row] for row in table.cells()]
    note = rf"\multicolumn{{{len(heads)}}}{{l}}{{\footnotesize {escape(f'{TAIL}: {TAIL_NOTE}.')}}} \\"
    return "\n".join(
        [
            f"% {table.title}. {caption}".rstrip(),
            r"% Needs \usepackage{booktabs}.",
            rf"\begin{{tabular}}{{{''.join('l' if c.holds == 'words' else 'r' for c in table.columns)}}}",
            r"\toprule",
            *(" & ".join(line) + r" \\" for line in [heads]),
            r"\midrule",
            *(" & ".join(line) + r" \\" for line in body),
            r"\bottomrule",
            *([note] if table.has_mark(ledger) else []),
            r"\end{tabular}",
            "",
        ]
    )


def _latex_cell(column: Column, cell: str, ledger: Ledger) -> str:
    text = printed(column, cell, ledger)
    if column.holds == "words" or cell not in ledger:
        return escape(text)
    value, _, limits = text.partition(" ")
    value, limits = (part.replace("-", "$-$").replace(TAIL, _LATEX[TAIL]) for part in (value, limits))
    return rf"{value} {{\footnotesize {limits}}}" if limits else value


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
    "[": "{[}",  # else the optional argument of the line before
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    TAIL: r"$^{\dagger}$",
    NONE: "--",
    "−": "$-$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "ℓ": r"$\ell$",
    "√": r"$\surd$",
    "…": r"\ldots{}",
}
"""What LaTeX would read as a command, or has no letter for in its usual fonts."""


def escape(text: str) -> str:
    """Return a text that LaTeX prints as `text` stands here."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


FORMS: dict[str, Callable[[Table, Ledger], str]] = {"md": markdown, "csv": comma_separated, "tex": latex}
"""By the suffix of the file."""


def write(tables: Iterable[tuple[str, Table]], ledger: Ledger, folder: Path) -> None:
    """Write tables, each with the target or run that it is of, as `folder`/<of>/<name>.<suffix> in every form.

    A table that is absent has no file.
    """
    for of, table in tables:
        for suffix, form in FORMS.items() if table.rows else ():
            path = folder / of / f"{table.name}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(form(table, ledger), encoding="utf-8", newline="\n")
