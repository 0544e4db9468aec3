"""Every knob of every section and plug-in has its limits, so that no value is accepted that a job cannot do."""

import pytest
from pydantic import TypeAdapter, ValidationError

from simaudit.attacks.attack import attack_types
from simaudit.data.source import source_types
from simaudit.figures.figure import figure_types
from simaudit.plan.params import Params
from simaudit.plan.sweep import Sweep
from simaudit.storage.atomic import atomic_path
from simaudit.targets.autoencoder import Pretrained, Trained
from simaudit.targets.family import family_types
from simaudit.vocabulary import paths
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import LONGEST_NAME, Knobs, Order, Seed

PLUG_INS = [
    kind for kinds in (attack_types, source_types, figure_types, family_types) for kind in kinds().values()
]
MAY_BE_EMPTY = {
    ("AuditKnobs", "figures"),  # an audit without figures
    ("AuditKnobs", "intermediate_attacks"),
    ("Training", "intermediate_epochs"),
}
MAY_REPEAT = {
    "block_out_channels",
    "down_block_types",
    "up_block_types",
    "size",
}  # an entry per level or side


def models(*roots):
    """These models and every one that is a field of theirs, by name."""
    found = {}
    for root in roots:
        schema = root.model_json_schema()
        found |= {root.__name__: schema, **schema.get("$defs", {})}
    return found


MODELS = models(Params, Sweep, Trained, Pretrained, *PLUG_INS)


def parts(schema):
    """A field's schema and every schema inside it, references apart."""
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(key, ()):
            yield from parts(part)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from parts(schema[key])


FIELDS = [
    pytest.param(model, name, list(parts(schema)), id=f"{model}.{name}")
    for model, described in sorted(MODELS.items())
    for name, schema in described.get("properties", {}).items()
    if model != "Sweep"
]


@pytest.mark.parametrize(("model", "name", "schemas"), FIELDS)
def test_a_number_has_a_limit_and_a_list_is_neither_empty_nor_has_an_entry_twice(model, name, schemas):
    for schema in schemas:
        if schema.get("type") in ("integer", "number"):
            assert {"maximum", "exclusiveMaximum", "const"} & schema.keys(), schema
            assert {"minimum", "exclusiveMinimum", "const"} & schema.keys(), schema
        if schema.get("type") == "array":
            assert schema.get("minItems", 0) > 0 or (model, name) in MAY_BE_EMPTY
            assert schema.get("uniqueItems") or name in MAY_REPEAT
            assert "maxItems" in schema


def test_the_walk_sees_nested_models_and_plug_ins():
    assert {"Params", "BlindKnobs", "VAE", "SimAMC", "Norms", "Digits", "TimestepRange"} <= MODELS.keys()


class Plain(Knobs):
    """What a plug-in may write without thinking of types."""

    count: int = 1
    share: float = 0.5
    switch: bool = False
    order: Order = 2
    seed: Seed = 0


@pytest.mark.parametrize(
    "wrong",
    [
        *({"count": value} for value in (True, "10", 1.0, None, [1])),
        *({"share": value} for value in (True, "0.5", float("nan"), float("inf"))),
        *({"switch": value} for value in (1, "yes", "true")),
        *({"order": value} for value in (True, 1.0, "4", 3)),
        *({"seed": value} for value in (2**32, -1)),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_no_number_and_no_truth(wrong):
    with pytest.raises(ValidationError):
        Plain.model_validate(wrong)


def test_a_value_of_its_own_type_is_accepted():
    assert Plain.model_validate({"share": 1, "order": "inf", "seed": 2**32 - 1}).share == 1.0
    assert TypeAdapter(Several[Order]).validate_python([4, "inf"]) == (4, "inf")


@pytest.mark.parametrize("wrong", [[], [1, 2, 1], 3, "12", {1: 2}])
def test_a_list_is_a_list_of_different_entries(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(Several[Order]).validate_python(wrong)


def test_a_limit_gives_its_reason_and_is_in_the_schema():
    with pytest.raises(
        ValidationError, match="must be at most 4294967295, since NumPy and scikit-learn take"
    ):
        Plain(seed=2**32)
    assert Plain.model_json_schema()["properties"]["seed"]["maximum"] == 2**32 - 1


def test_every_file_of_the_longest_name_can_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "n" * LONGEST_NAME
    files = [
        *(paths.of_target(kind, name) for kind in paths.TARGET_FILES),
        *(paths.blind(name, "parquet"), paths.nearest(name), paths.samples(name), paths.split(name)),
        *(make(f"score/{name}/{name}") for make in (paths.stamp, paths.record, paths.log)),
        paths.log(f"train/{name}").with_suffix(".run.json"),
    ]
    for file in files:
        with atomic_path(file) as temporary:
            temporary.write_text("")
        assert len(file.name.encode()) <= 255
