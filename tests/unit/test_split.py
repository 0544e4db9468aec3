"""The split: complete, disjoint, stratified, deterministic; the same image never on both sides."""

import hashlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simaudit.data.split import Split, duplicates_across_roles, make_split, refuse_duplicates, write_split
from simaudit.vocabulary.errors import SimauditError


@st.composite
def requests(draw):
    n = draw(st.integers(20, 200))
    return {
        "hashes": [f"{i:064x}" for i in range(n)],
        "members": draw(st.integers(6, n - 6)),
        "calibration": draw(st.floats(0.2, 0.8)),
        "seed": draw(st.integers(0, 2**32)),
    }


@given(requests())
def test_every_sample_has_one_role_and_one_fold(request):
    split = make_split(**request)
    assert split.sample_id.tolist() == list(range(len(request["hashes"])))
    assert (split.role == "member").sum() == request["members"]
    assert set(split.role) == {"member", "heldout"}
    assert set(split.fold) == {"calibration", "evaluation"}
    assert split.sha256.tolist() == request["hashes"]


@given(requests())
def test_each_role_gives_the_same_share_to_calibration(request):
    split = make_split(**request)
    for _, group in split.groupby("role"):
        assert (group.fold == "calibration").sum() == round(request["calibration"] * len(group))


@given(requests())
def test_the_same_request_gives_the_same_split(request):
    pd.testing.assert_frame_equal(make_split(**request), make_split(**request))


def test_another_seed_gives_other_members():
    hashes = [f"{i:064x}" for i in range(100)]
    one, two = (make_split(hashes, 30, 0.3, seed) for seed in (0, 1))
    assert set(one[one.role == "member"].sample_id) != set(two[two.role == "member"].sample_id)


def test_an_image_on_both_sides_is_refused_and_named():
    split = make_split([f"{i:064x}" for i in range(20)], 10, 0.5, 0)
    member = split[split.role == "member"].sample_id.iloc[0]
    heldout = split[split.role == "heldout"].sample_id.iloc[0]
    split.loc[heldout, "sha256"] = split.loc[member, "sha256"]
    assert duplicates_across_roles(split) == [(member, heldout)]
    with pytest.raises(SimauditError, match=f"pairs {member}={heldout}.*allow_duplicates"):
        refuse_duplicates(split)


def test_copies_on_the_same_side_are_allowed():
    split = make_split([f"{i:064x}" for i in range(20)], 10, 0.5, 0)
    first, second = split[split.role == "member"].sample_id.iloc[:2]
    split.loc[second, "sha256"] = split.loc[first, "sha256"]
    refuse_duplicates(split)


@pytest.mark.parametrize(("members", "calibration", "key"), [(20, 0.3, "members"), (10, 0.01, "calibration")])
def test_a_split_that_cannot_be_measured_is_refused(members, calibration, key):
    with pytest.raises(SimauditError, match=f"^{key}: "):
        make_split([f"{i:064x}" for i in range(20)], members, calibration, 0)


def test_a_split_survives_its_file(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(20)], 10, 0.3, 0)
    write_split(tmp_path / "s.parquet", frame)
    split = Split.read(tmp_path / "s.parquet")
    assert split.role.tolist() == frame.role.tolist()
    assert split.member_ids.tolist() == frame[frame.role == "member"].sample_id.tolist()


def test_the_member_hash_is_that_of_the_members_images_alone(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(20)], 10, 0.3, 0)
    expected = hashlib.sha256("\n".join(frame[frame.role == "member"].sha256).encode()).hexdigest()
    write_split(tmp_path / "s.parquet", frame)
    assert Split.read(tmp_path / "s.parquet").member_hash == expected
    frame["fold"] = frame.fold.map({"calibration": "evaluation", "evaluation": "calibration"})
    write_split(tmp_path / "s.parquet", frame)
    assert Split.read(tmp_path / "s.parquet").member_hash == expected


@pytest.mark.parametrize("content", [None, b"", b"PAR1 but no more"])
def test_a_missing_or_damaged_split_file_is_one_line(tmp_path, content):
    path = tmp_path / "s.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SimauditError, match=r"s\.parquet: (missing|not a whole split file)"):
        Split.read(path)
