"""The params.yaml that repeats an audit."""

from __future__ import annotations

from typing import Any

import yaml

from simaudit.audit.attacks import Grid, knobs_of, wrapped_by
from simaudit.audit.question import IMAGES, Question
from simaudit.plan.combine import combine
from simaudit.plan.expand import expand
from simaudit.plan.params import Params
from simaudit.targets.checkpoint.layout import Layout
from simaudit.vocabulary.paths import PARAMS

HEADER = "# Written by `simaudit audit`, and written anew by it. The same audit without it: snakemake --cores all\n"
COMMENTS = {
    "datasets": "The images lie where they are named, and are never changed. docs/data.md",
    "splits": "Who is a member, as the list states. Where it gives no folds, 30 % of each side choose timesteps.",
    "targets": "The model is audited where it lies: nothing of it is copied or changed.",
    "audits": "What is not all that applies: the attacks that are run, or, without labels, the model's empty class.",
    "attacks": "Timesteps have the log-SNRs at which the attacks do best on the published schedule. docs/attacks.md",
    "scoring": "One attack per core, side by side.",
    "quality": "Images are drawn from the model to be looked at, and to see how they resemble members.",
    "figures": "Of the audit by itself, and of its images.",
    "report": "The page names no single image, so that it can be shared.",
}
"""What stands above each section."""
BATCH_SIZE = 32
SAMPLES, STEPS = 100, 20
"""Images that are drawn, and the steps of each: as many queries as one per image of a set of 2000."""
FIGURES = (
    *("complexity", "forest", "metrics_over_time", "nearest_member", "nearest_pairs", "norms", "queries"),
    *("roc_loglog", "samples", "set_p_values", "statistic_histogram", "statistic_over_time"),
)


def written(
    question: Question,
    attacks: list[str],
    fine: Grid,
    coarse: Grid,
    layout: Layout,
    shape: tuple[int, ...],
    labels: bool,
) -> dict[str, Any]:
    """Return params.yaml, as plain values, of these attacks at these grids of timesteps on the model of a layout.

    The images become `shape` (C, H, W). Where there are `labels`, the list of members has them.
    """
    steps = layout.timesteps
    unlabelled = layout.classes and not labels
    wrapped = [base for name in attacks if (base := wrapped_by(name)) and base not in attacks]
    limits = {
        **({"attacks": attacks} if wrapped else {}),
        **({"conditions": ["empty"]} if unlabelled else {}),
    }
    precision = {} if question.precision == "float32" else {"precision": question.precision}
    audits = {question.name: {"target": question.name, **limits}} if limits else {}
    return {
        "datasets": {IMAGES: question.dataset(shape, labels)},
        "splits": {IMAGES: question.split()},
        "targets": {question.name: question.target()},
        **({"audits": audits} if audits else {}),
        "attacks": {
            name: knobs_of(name, fine, coarse, steps) for name in dict.fromkeys([*attacks, *wrapped])
        },
        "scoring": {"batch_size": BATCH_SIZE, "threads": 1, "device": question.device, **precision},
        "quality": {"samples": SAMPLES, "steps": min(STEPS, steps)},
        "figures": {name: {} for name in FIGURES},
        **({"report": {"show_records": False}} if question.no_records else {}),
    }


def text(values: dict[str, Any]) -> str:
    """Return the content of the file params.yaml."""
    sections = [
        f"# {COMMENTS[section]}\n"
        + yaml.safe_dump(
            {section: content},
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=None,
            width=100_000,
        )
        for section, content in values.items()
    ]
    return "\n".join([HEADER, *sections])


def params(values: dict[str, Any]) -> Params:
    """Return the parameters that params.yaml gives; whether they fit the files that are here is not looked at."""
    return Params.model_validate(expand(combine([(PARAMS, values)])).values)
