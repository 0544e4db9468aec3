"""A variant: one text for equal mappings, read back as it was, and one way to print it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simaudit.vocabulary.variant import parse_variant, variant_label, variant_text

VALUES = st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_text_gives_back_its_variant_and_does_not_depend_on_the_order(variant):
    text = variant_text(variant)
    assert parse_variant(text) == variant
    assert variant_text(dict(reversed(variant.items()))) == text


def test_different_variants_have_different_texts():
    variants = [{}, {"norm": 4}, {"norm": "4"}, {"draws": 4}, {"draws": 4, "norm": 4}, {"dropped": 0.4}]
    assert len({variant_text(variant) for variant in variants}) == len(variants)


@pytest.mark.parametrize("text", ["raw,l4", "4", '"raw"', "[]", ""])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 (of json, or of ours)
        parse_variant(text)


@pytest.mark.parametrize(
    ("variant", "label"),
    [
        ({"input": "raw", "norm": 4}, "raw, l4"),
        ({"norm": "inf", "input": "scaled"}, "scaled, linf"),
        ({"draws": 10, "norm": 2}, "n=10, l2"),
        ({"average": "mean_of_norms", "draws": 2, "norm": 4}, "mean_of_norms, n=2, l4"),
        ({"singular_values": 8}, "k=8"),
        ({"interval": 10}, "interval=10"),
        ({"dropped": 0.4}, "dropped=0.4"),
        ({"error": "mean_absolute"}, "mean_absolute"),
        ({"classifier": "logistic", "features": "pixels"}, "logistic, pixels"),
        ({"condition": "labels", "input": "raw", "norm": 4}, "raw, l4, own class"),
        ({"condition": "empty"}, "empty class"),
        ({"condition": "of mine"}, "of mine"),
        ({"text": "{}"}, "{}"),
        ({}, "default"),
    ],
)
def test_it_is_printed_as_papers_write_it(variant, label):
    assert variant_label(variant) == label


def test_a_norm_is_printed_as_asked():
    assert variant_label({"input": "raw", "norm": 4}, norm="ℓ_{}") == "raw, ℓ_4"
