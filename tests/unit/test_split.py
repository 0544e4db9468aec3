"""The split: complete, disjoint, stratified, deterministic; the same image never on both sides."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simaudit.data.sizes import fold_sizes
from simaudit.data.split import (
    Split,
    duplicates_across_roles,
    make_split,
    refuse_duplicates,
    sizes_of,
    split_table,
    write_split,
)
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
    assert split.group.isna().all()
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


@given(requests(), st.data())
def test_fewer_held_out_samples_leave_the_members_and_their_folds_as_they_are(request, data):
    heldout = data.draw(st.integers(6, len(request["hashes"]) - request["members"]))
    whole, fewer = make_split(**request), make_split(**request, heldout=heldout)
    assert fewer.role.value_counts().get("heldout") == heldout
    assert (fewer.fold.isna() == (fewer.role == "unused")).all()
    members = whole.role == "member"
    pd.testing.assert_frame_equal(fewer[members], whole[members])
    assert sizes_of(fewer) == fold_sizes(request["members"], heldout, request["calibration"])


def test_the_members_of_a_seed_are_those_of_every_earlier_version():
    split = make_split([f"{i:064x}" for i in range(12)], 4, 0.5, 0)
    order = np.random.default_rng(0).permutation(12)
    assert set(split[split.role == "member"].sample_id) == set(order[:4])
    assert set(split[split.fold == "calibration"].sample_id) == {*order[:2], *order[4:8]}


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


def test_a_copy_that_is_unused_is_on_no_side():
    split = make_split([f"{i:064x}" for i in range(20)], 8, 0.5, 0, heldout=8)
    member, unused = (split[split.role == role].sample_id.iloc[0] for role in ("member", "unused"))
    split.loc[unused, "sha256"] = split.loc[member, "sha256"]
    refuse_duplicates(split)


def test_copies_on_the_same_side_are_allowed():
    split = make_split([f"{i:064x}" for i in range(20)], 10, 0.5, 0)
    first, second = split[split.role == "member"].sample_id.iloc[:2]
    split.loc[second, "sha256"] = split.loc[first, "sha256"]
    refuse_duplicates(split)


@pytest.mark.parametrize(
    ("members", "heldout", "calibration", "line"),
    [
        (20, None, 0.3, "members: 20 of 20 samples leave nobody held out"),
        (10, None, 0.01, "calibration: "),
        (10, 11, 0.3, "heldout: 11 beside 10 members are more than the 20 samples; choose at most 10"),
    ],
)
def test_a_split_that_cannot_be_measured_is_refused(members, heldout, calibration, line):
    with pytest.raises(SimauditError, match=f"^{line}"):
        make_split([f"{i:064x}" for i in range(20)], members, calibration, 0, heldout)


def test_a_split_survives_its_file(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(20)], 10, 0.3, 0)
    write_split(tmp_path / "s.parquet", frame)
    split = Split.read(tmp_path / "s.parquet")
    assert split.role.tolist() == frame.role.tolist()
    assert split.member_ids.tolist() == frame[frame.role == "member"].sample_id.tolist()


def test_what_is_unused_is_in_the_file_and_no_later_phase_sees_it(tmp_path):
    frame = make_split([f"{i:064x}" for i in range(20)], 6, 0.5, 0, heldout=8)
    frame.loc[frame.role == "member", "group"] = "ann"
    write_split(tmp_path / "s.parquet", frame)
    whole = pd.read_parquet(tmp_path / "s.parquet")
    assert whole.columns.tolist() == ["sample_id", "role", "fold", "group", "sha256"]
    assert whole.role.value_counts().to_dict() == {"member": 6, "heldout": 8, "unused": 6}
    split, used = Split.read(tmp_path / "s.parquet"), frame[frame.role != "unused"]
    assert split.sample_id.tolist() == used.sample_id.tolist()
    assert split.sha256.tolist() == used.sha256.tolist()
    assert split.group.tolist() == ["ann" if member else None for member in split.is_member]
    assert (len(split), split.is_member.sum(), split.is_calibration.sum()) == (14, 6, 7)


def test_origins_of_one_side_are_known_whatever_is_unused_or_has_no_origin(tmp_path):
    role = np.array(["member", "member", "heldout", "heldout", "heldout", "unused", "unused"], object)
    frame = split_table(role, np.where(role == "unused", None, "calibration"), np.full(7, None), ["0"] * 7)
    origin = pd.Series(["web", "book", "web", "film", pd.NA, "book", "song"], dtype="string")
    write_split(tmp_path / "s.parquet", frame, origin)
    split = Split.read(tmp_path / "s.parquet")
    assert split.origins == {"web": [1, 1], "book": [1, 0], "film": [0, 1], "song": [0, 0]}
    assert split.one_sided == {"member": ["book"], "heldout": ["film"]}
    write_split(tmp_path / "s.parquet", frame, pd.Series([pd.NA] * 7, dtype="string"))
    assert Split.read(tmp_path / "s.parquet").one_sided == {}


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
