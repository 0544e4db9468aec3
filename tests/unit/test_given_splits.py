"""Members that are given: by a table, by index arrays, by two lists, by origin; and all mistakes in one line."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from calling import assert_refused, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planning import lines_of, small
from storing import store

from simaudit.attacks.threshold.sima import SimA
from simaudit.data.jobs import NearDuplicateKnobs, SplitKnobs, features_job, nearest_job, split_job
from simaudit.data.matching import given_sides, given_split
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.evaluation.controls.jobs import blind_job
from simaudit.evaluation.jobs import evaluate_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.plan import at_hand
from simaudit.plan.jobs import jobs
from simaudit.provenance.stamps import Stamp, write
from simaudit.scoring.questions import Asking
from simaudit.scoring.run import Asker, ScoreFile, write_scores
from simaudit.scoring.score_file import Scores
from simaudit.storage.json import read_json
from simaudit.targets.jobs import TheoryKnobs, theory_job
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import KnobError

N = 90
FILES = [f"train/{i:03}.png" if i < 50 else f"test/{i:03}.png" for i in range(N)]
ORIGINS = [file.partition("/")[0] for file in FILES]
ROLES = ["member" if i % 2 else "heldout" for i in range(N)]
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 1, 4, 4), dtype=np.uint8)
ITEMS = pd.DataFrame({"file": FILES, "origin": ORIGINS, "sha256": [f"{i:064x}" for i in range(N)]})
ROWS = [f"{file},{role}" for file, role in zip(FILES, ROLES, strict=True)]


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """Two datasets of 90 images: one with file names and origins, and a bare one with neither."""
    monkeypatch.chdir(tmp_path)
    store("d", PIXELS, file=FILES, origin=ORIGINS)
    store("bare", PIXELS)


def job(members, dataset="d", calibration=0.5, **knobs):
    values = {"dataset": dataset, "members": members, "calibration": calibration, **knobs}
    return split_job("mine", SplitKnobs.model_validate(values))


def made(members, *more, **knobs):
    """The whole split, unused samples too, that the job makes."""
    job(members, *more, **knobs).do()
    return pd.read_parquet(paths.split("mine"))


def refused(members, *more, **knobs):
    [line] = lines_of(job(members, *more, **knobs).do)
    return line


def table(text, name="members.csv", encoding="utf-8"):
    Path(name).write_bytes(text.encode(encoding))
    return {"file": name}


def csv(*rows, header="file,role"):
    return table("\n".join([header, *rows]))


SPELLED = {"member": "Member", "heldout": "held-out"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\n".join(["file,role", *ROWS]), "m.csv"),
        ("\ufeff" + "\r\n".join(["file,role", *ROWS, ""]), "m.CSV"),
        (
            "\n".join([" File , extra, ROLE ", *(row.replace(",", ", x y, ") for row in ROWS), "", ",,"]),
            "m.csv",
        ),
        ("\n".join(["file;role", *(row.replace(",", ";") for row in ROWS)]), "excel.csv"),
        ("\n".join(["role\tfile", *("\t".join(reversed(row.split(","))) for row in ROWS)]), "m.tsv"),
        (
            "\n".join(
                ['"file", "role"', *(f'"{f}", "{SPELLED[r]}"' for f, r in zip(FILES, ROLES, strict=True))]
            ),
            "m.csv",
        ),
        ("\n".join(["sample_id,role", *(f"{i},{role}" for i, role in enumerate(ROLES))]), "m.csv"),
        ("\n".join(["file_name,role", *ROWS]), "m.csv"),
        (
            "\n\n".join(f'{{"Role": "{role}", "sample_id": {i}}}' for i, role in enumerate(ROLES)),
            "m.JSONL",
        ),
    ],
    ids=[
        *("plain", "BOM and CRLF", "spaces and blank lines", "semicolons", "tabs", "quotes", "numbers"),
        *("file_name", "JSON lines"),
    ],
)
def test_a_table_is_read_in_every_dialect(text, name):
    split = made(table(text, name))
    assert split.role.tolist() == ROLES
    assert split.fold.notna().all()


def limited(limit, folds=None):
    """The split of a list with 30 members and 60 held-out samples, perhaps with folds, of which few are used."""
    rows = [f"{file},{'heldout' if i % 3 else 'member'}" for i, file in enumerate(FILES)]
    rows = [f"{row},{fold}" for row, fold in zip(rows, folds, strict=True)] if folds else rows
    given = csv(*rows, header="file,role,fold" if folds else "file,role")
    return given_split(SplitKnobs(dataset="d", members=given).members, ITEMS, 0.7, 0, limit)


def test_a_limit_keeps_the_shares_of_the_sides_and_the_rest_is_unused():
    split = limited(45)
    assert split.role.value_counts().to_dict() == {"unused": 45, "heldout": 30, "member": 15}
    assert split[split.role == "unused"].fold.isna().all()
    assert split[split.role == "heldout"].fold.value_counts().to_dict() == {
        "calibration": 21,
        "evaluation": 9,
    }
    assert limited(89).role.value_counts().to_dict() == {"heldout": 59, "member": 30, "unused": 1}


def test_a_limit_keeps_the_shares_of_given_folds():
    folds = ["calibration" if i % 5 < 3 else "evaluation" for i in range(N)]
    used = limited(30, folds).query("role != 'unused'")
    assert used.groupby(["role", "fold"]).size().tolist() == [12, 8, 6, 4]  # a third of 36, 24, 18, 12
    assert used.fold.tolist() == [folds[sample] for sample in used.sample_id]


def with_groups(groups, limit, seed=0, order=range(N)):
    """The split of a list with 45 members and 45 held-out samples in these groups, whose lines stand in this order."""
    rows = [f"{FILES[i]},{ROLES[i]},{groups[i]}" for i in order]
    given = SplitKnobs(dataset="d", members=csv(*rows, header="file,role,group")).members
    return given_split(given, ITEMS, 0.5, seed, limit)


def test_a_limit_draws_a_group_as_a_whole_or_not_at_all():
    groups = [f"g{i // 6}" if i < 60 else "" for i in range(N)]  # three of either side in each
    split = with_groups(groups, 41)
    used = split[split.role != "unused"]
    sizes = used.groupby("group").size()
    assert set(sizes) == {6}
    assert 1 < len(sizes) < 10
    assert used.group.isna().any()
    assert used.role.value_counts().max() <= 21
    assert len(used) == 41  # the samples without a group fill what is left
    assert {tuple(with_groups(groups, 41, seed).role) for seed in range(3)} != {tuple(split.role)}


def test_a_limit_draws_the_same_whatever_the_order_of_the_list_and_whatever_else_is_there():
    groups = [f"g{i // 6}" for i in range(N)]
    split = with_groups(groups, 41)
    assert with_groups(groups, 41, order=range(N - 1, -1, -1)).equals(split)
    listed = [i for i in range(N) if i % 9]
    alone = ITEMS.iloc[listed].reset_index(drop=True)
    rows = [f"{FILES[i]},{ROLES[i]}" for i in listed]
    given = SplitKnobs(dataset="d", members={**csv(*rows), "unlisted": "unused"}).members
    used = [
        set(items.file[(given_sides(given, items, 0, 30).role != "unused").to_numpy()])
        for items in (ITEMS, alone)
    ]
    assert used[0] == used[1]


def test_a_limit_below_every_group_is_refused():
    with pytest.raises(
        KnobError, match=r"limit: leaves no sample that is member or heldout: .* stay whole; raise"
    ):
        with_groups(["one"] * N, 50)


def test_a_limit_beyond_the_list_changes_nothing_and_one_of_drawn_members_is_refused():
    assert made(csv(*ROWS), limit=1000).equals(made(csv(*ROWS)))
    with pytest.raises(ValueError, match="is for members that are given, and these are drawn"):
        SplitKnobs.model_validate({"dataset": "d", "members": 40, "limit": 30})


def test_a_parquet_table_is_read_with_its_folds_and_groups():
    fold = ["calibration" if i < 45 else "evaluation" for i in range(N)]
    group = pd.Series([i % 3 if i % 2 else None for i in range(N)], dtype="Int64")
    rows = pd.DataFrame(
        {"file": pd.Categorical(FILES), "role": ROLES, "fold": fold, "group": group, "x": [[1]] * N}
    )
    rows.sample(frac=1, random_state=0).to_parquet("m.parquet")
    split = made({"file": "m.parquet"})
    assert (split.role.tolist(), split.fold.tolist()) == (ROLES, fold)
    assert split.group.dropna().tolist() == [str(i % 3) for i in range(1, N, 2)]
    assert Split.read(paths.split("mine")).group[:2].tolist() == [None, "1"]


def test_the_file_counts_where_a_table_has_numbers_too_unless_the_images_have_no_names():
    rows = pd.DataFrame({"sample_id": range(N), "file": FILES[::-1], "role": ROLES})
    rows.to_parquet("m.parquet")
    assert made({"file": "m.parquet"}).role.tolist() == ROLES[::-1]
    assert made({"file": "m.parquet"}, "bare").role.tolist() == ROLES


def test_index_arrays_are_read_by_secmi_s_names_or_others():
    ids = {role: np.flatnonzero(np.array(ROLES) == role) for role in SPELLED}
    np.savez("s.npz", mia_train_idxs=ids["member"], mia_eval_idxs=ids["heldout"], ratio=0.5)
    assert made({"indices": "s.npz"}, "bare").role.tolist() == ROLES
    np.savez("s.npz", seen=ids["member"][::-1], unseen=ids["heldout"])
    knobs = {"indices": "s.npz", "member_key": "seen", "heldout_key": "unseen"}
    assert made(knobs).role.tolist() == ROLES
    line = (
        "s.npz: has no array mia_train_idxs, mia_eval_idxs; it has seen, unseen: name them by member_key and"
    )
    assert line in refused({"indices": "s.npz"})


@pytest.mark.parametrize("bare", [False, True])
def test_two_lists_hold_names_or_numbers(bare):
    for role, name in (("member", "in.txt"), ("heldout", "out.txt")):
        lines = [str(i) if bare else FILES[i] for i in range(N) if ROLES[i] == role]
        Path(name).write_text("\ufeff" + "\r\n".join(lines) + "\n\n", newline="")
    assert made({"listed": "in.txt", "heldout": "out.txt"}, "bare" if bare else "d").role.tolist() == ROLES


def test_a_list_of_numbers_that_are_file_names_holds_names():
    store("d", PIXELS, file=[str(N - 1 - i) for i in range(N)])
    Path("in.txt").write_text("\n".join(map(str, range(45))))
    Path("out.txt").write_text("\n".join(map(str, range(45, N))))
    assert (
        made({"listed": "in.txt", "heldout": "out.txt"}).role.tolist() == ["heldout"] * 45 + ["member"] * 45
    )


def test_origins_make_sides_and_what_they_have_alone_is_written_down():
    split = made({"origin": "train", "heldout": ["test"]})
    assert split.role.tolist() == ["member"] * 50 + ["heldout"] * 40
    assert Split.read(paths.split("mine")).one_sided == {"member": ["train"], "heldout": ["test"]}
    made(csv(*ROWS))
    assert Split.read(paths.split("mine")).one_sided == {}


def test_folds_that_are_not_given_are_those_of_a_draw_with_the_same_members():
    drawn = made(40, seed=3)
    rows = [f"{file},{role}" for file, role in zip(FILES, drawn.role, strict=True)]
    pd.testing.assert_frame_equal(made(csv(*rows), seed=3), drawn)


@settings(suppress_health_check=list(HealthCheck), max_examples=30)
@given(st.randoms(use_true_random=False))
def test_any_order_of_rows_gives_the_same_split(order: random.Random):
    rows = [f"{row},g{i % 4}" for i, row in enumerate(ROWS)]
    order.shuffle(rows)
    items = pd.DataFrame({"file": FILES, "origin": ORIGINS, "sha256": [f"{i:064x}" for i in range(N)]})
    members = job(csv(*rows, header="file,role,group")).params["members"]
    given = SplitKnobs(dataset="d", members=members).members
    split = given_split(given, items, 0.5, 0)
    assert split.role.tolist() == ROLES
    assert split.group.tolist() == [f"g{i % 4}" for i in range(N)]
    assert split.fold.tolist() == made(csv(*ROWS)).fold.tolist()


def test_what_is_unknown_may_be_dropped_and_what_is_unlisted_unused():
    rows = [*ROWS[:84], "gone.png,nobody", "left.png,member"]
    members = csv(*rows)
    assert "unknown: drop" in refused(members)
    assert "unlisted: unused" in refused(members | {"unknown": "drop"})
    split = made(members | {"unknown": "drop", "unlisted": "unused"})
    assert split.role.tolist() == ROLES[:84] + ["unused"] * 6
    assert split.fold.isna().tolist() == [False] * 84 + [True] * 6


def test_a_row_may_say_that_its_sample_is_unused():
    split = made(csv(*ROWS[:84], *(f"{file},unused" for file in FILES[84:])))
    assert split.role.tolist() == ROLES[:84] + ["unused"] * 6


def test_every_mistake_of_a_list_is_named_in_one_line_with_exit_code_2():
    rows = ROWS.copy()
    rows[0], rows[1], rows[2] = "TRAIN/000.png,heldout", "elsewhere/001.PNG,member", "gone\t.png,heldout"
    rows[4], rows[5], rows[7] = f"{FILES[4]},trained", rows[3], f"{FILES[6]},member"
    done = run(job(csv(*rows, "a,b,c")))
    assert_refused(
        done,
        "params.yaml: splits.mine.members: members.csv: ",
        "lines of other than the header's 2 cells (1): line 92 has 3; ",
        "name nothing in the dataset (3 of 90; correct them, or set unknown: drop): TRAIN/000.png (did you mean "
        "train/000.png?), elsewhere/001.PNG (did you mean train/001.png?), 'gone\\t.png'; ",
        "listed more than once (1; keep one entry of each): train/003.png; ",
        "listed in several roles (1; keep the entry that is true): train/006.png (heldout, member); ",
        "with a role that is none of member, heldout, unused (1; write one of these): 'trained' of train/004.png; ",
        "not listed (5 of 90; list them, or set unlisted: unused): train/000.png, train/001.png, train/002.png, "
        "train/005.png, train/007.png",
    )
    assert not paths.split("mine").exists()


def test_a_long_list_of_mistakes_names_a_few_and_counts_all():
    line = refused(csv(*(f"{i}.jpg,member" for i in range(70)), *ROWS))
    assert "(70 of 160; correct them, or set unknown: drop): 0.jpg, 1.jpg, 2.jpg and 67 more" in line


def test_where_no_entry_names_anything_the_names_of_the_dataset_are_shown_and_nothing_is_to_be_dropped():
    line = refused(csv(*(f"img_{i},member" for i in range(70))))
    assert (
        "entries that name nothing in the dataset, which has train/000.png, train/001.png, train/002.png and 87 more "
        "(70 of 70; correct them): img_0, img_1, img_2 and 67 more"
    ) in line


@pytest.mark.parametrize(
    "name", ["TRAIN/000.PNG", "elsewhere\\000.png", "train/000.jpg", "/data/000.webp", "000"]
)
def test_a_name_that_differs_in_letters_folders_or_extension_is_told_what_was_perhaps_meant(name):
    line = refused(csv(f"{name},{ROLES[0]}", *ROWS[1:]))
    assert f"{name} (did you mean train/000.png?)" in line


def test_indices_beyond_the_data_are_counted_and_may_be_dropped():
    order = np.random.default_rng(1).permutation(1000)
    np.savez("secmi.npz", mia_train_idxs=order[:500], mia_eval_idxs=order[500:])
    members = {"indices": "secmi.npz"}
    assert "sample_ids that lie beyond the dataset's 0 … 89 (910 of 1000; " in refused(members)
    split = made(members | {"unknown": "drop"})
    assert set(split[split.role == "member"].sample_id) == {*order[:500]} & {*range(N)}
    assert (split.role != "unused").all()


FOLDS = [f"{row},{'calibration' if i < 45 else 'evaluation'}" for i, row in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            ["train/000.png,heldout,test", *FOLDS[1:]],
            "a fold that is none of calibration, evaluation (1; write one of these): 'test' of",
        ),
        (
            ["train/000.png,heldout,", *FOLDS[1:]],
            "without a fold, which others have (1; give one to all, or to none)",
        ),
        ([f"{file},member,evaluation" for file in FILES], "no sample of the dataset is heldout"),
        (
            FOLDS[:45] + [row.replace("evaluation", "calibration") for row in FOLDS[45:]],
            "the evaluation fold has 0",
        ),
    ],
)
def test_folds_and_sides_that_cannot_be_measured_are_refused(rows, line):
    assert line in refused(csv(*rows, header="file,role,fold"))


@pytest.mark.parametrize(
    ("members", "dataset", "words"),
    [
        (
            {"origin": "train", "heldout": ["val", "film"]},
            "d",
            "origin: no image is from val, film (there are train, test",
        ),
        ({"origin": "train", "heldout": "test"}, "bare", "the dataset has no origins"),
        (
            {"origin": "train", "heldout": "film", "unknown": "drop", "unlisted": "unused"},
            "d",
            "sample of the dataset is held",
        ),
        (
            {"file": "names.csv"},
            "bare",
            "entries that name nothing in the dataset, which has sample_ids 0 … 89 and no file",
        ),
        (
            {"file": "numbers.csv"},
            "d",
            "entries that name nothing in the dataset, which has sample_ids 0 … 89 (1 of 1; ",
        ),
        (
            {"file": "header.csv"},
            "d",
            "header.csv: has no column file or file_name or sample_id; its columns are name, role",
        ),
        ({"file": "twice.csv"}, "d", "twice.csv: has several columns role; keep one of each"),
        (
            {"file": "empty.csv"},
            "d",
            "empty.csv: has no column file or file_name or sample_id and no column role; its columns are none",
        ),
        ({"file": "utf16.csv"}, "d", "utf16.csv: not a UTF-8 table of texts and numbers"),
        ({"file": "quotes.csv"}, "d", "quotes.csv: not a UTF-8 table of texts and numbers"),
        ({"file": "junk.parquet"}, "d", "junk.parquet: not a Parquet table"),
        ({"file": "lists.parquet"}, "d", "lists.parquet: not a Parquet table of texts and numbers"),
        ({"file": "gone.csv"}, "d", "gone.csv: missing; save one there, or name another"),
        ({"indices": "junk.npz"}, "d", "junk.npz: not an .npz of whole numbers"),
        ({"indices": "pickled.npz"}, "d", "pickled.npz: not an .npz of whole numbers"),
        (
            {"indices": "mask.npz"},
            "d",
            "mask.npz: mia_train_idxs must be whole numbers (N,), found bool (3,); write",
        ),
        ({"listed": "utf16.csv", "heldout": "empty.csv"}, "d", "utf16.csv: not a list in UTF-8"),
    ],
)
def test_what_is_no_list_of_this_dataset_is_one_line(members, dataset, words):
    table("file,role\ntrain/000.png,member", "names.csv")
    table("sample_id,role\n1.0,member", "numbers.csv")
    table("name,role\nx,member", "header.csv")
    table("file,role, role\nx,member,member", "twice.csv")
    table("", "empty.csv")
    table("file,role\nx,member", "utf16.csv", "utf-16")
    table('file,role\n"x"y,member', "quotes.csv")
    pd.DataFrame({"file": ["x"], "role": [["member"]]}).to_parquet("lists.parquet")
    for name in ("junk.parquet", "junk.npz"):
        Path(name).write_bytes(b"PAR1 and nothing of it")
    np.savez("pickled.npz", mia_train_idxs=np.array([{}]), mia_eval_idxs=np.arange(3))
    np.savez("mask.npz", mia_train_idxs=np.ones(3, bool), mia_eval_idxs=np.arange(3))
    assert words in refused(members, dataset)


def test_a_name_in_another_unicode_form_is_the_same_name():
    store("d", PIXELS, file=["caf\u00e9.png", *FILES[1:]])
    assert made(csv("cafe\u0301.png,heldout", *ROWS[1:])).role.tolist() == ROLES


def test_a_copy_on_both_sides_is_refused_and_one_that_is_unused_is_not():
    copied = PIXELS.copy()
    copied[1] = copied[0]
    store("d", copied, file=FILES)
    assert f"files {FILES[1]}={FILES[0]}" in refused(csv(*ROWS))
    assert made(csv(f"{FILES[0]},unused", *ROWS[1:])).role[0] == "unused"


@pytest.mark.parametrize(
    ("split", "line"),
    [
        (
            "{members: m.csv}",
            "members: must be a whole number, or a mapping with one of the keys file, indices, listed, ",
        ),
        (
            "{members: {flie: m.csv}}",
            "members: must be a whole number, or a mapping with one of the keys file, ",
        ),
        (
            "{members: {file: m.csv, origin: a}}",
            "members: must be a whole number, or a mapping with one of the keys ",
        ),
        ("{members: 1}", "members: must be greater than or equal to 2 (got 1)"),
        (
            "{members: {file: m.csv, rolle: x}}",
            "members.rolle: unknown key; remove it or correct its spelling",
        ),
        (
            "{members: {indices: m.npz, key: x}}",
            "members.key: unknown key; remove it or correct its spelling",
        ),
        (
            "{members: {listed: a, heldout: b, x: 1}}",
            "members.x: unknown key; remove it or correct its spelling",
        ),
        (
            "{members: {origin: a, heldout: b, x: 1}}",
            "members.x: unknown key; remove it or correct its spelling",
        ),
        ("{members: {origin: a}}", "members.heldout: missing; add it"),
        (
            "{members: {origin: a, heldout: [b, a]}}",
            "members.heldout: a is among `origin` too; keep it on one side",
        ),
        (
            "{members: {file: m.txt}}",
            "members.file: must end in .csv or .tsv or .jsonl or .ndjson or .parquet (got 'm.txt')",
        ),
        (
            "{members: {file: m.npz}}",
            "members.file: an .npz file of sample_ids belongs under the key `indices` (got 'm.npz')",
        ),
        (
            "{members: {file: m.csv}}",
            "members.file: no such file or folder; put it there, or name another (got 'm.csv')",
        ),
        (
            "{members: {listed: data, heldout: b}}",
            "members.listed: is a folder; name a file (got 'data')",
        ),
        (f"{{members: {{file: {'x' * 300}.csv}}}}", "members.file: no such file or folder; put it there"),
        (
            "{members: {file: m.csv}, heldout: 9}",
            "heldout: is for members that are drawn, and these are given; remove it",
        ),
        (
            "{heldout: 1698}",
            "heldout: 1698 beside 100 members are more than the 1797 samples; choose at most 1697",
        ),
        (
            "{heldout: 40}",
            "the calibration fold has 30 members and 12 held-out samples, and needs 20 of each",
        ),
    ],
)
def test_wrong_knobs_are_one_line_before_any_job(split, line):
    first = lines_of(small, f"splits: {{small: {split}, few: {{}}}}")[0]
    assert first.removeprefix("experiment.yaml: splits.small").lstrip(".: ").startswith(line)


def test_a_file_that_changed_reruns_its_split_and_one_that_did_not_does_not():
    def stamps():
        params = small("splits: {small: {members: {file: members.csv}}, few: {}}")
        return {job.name: Stamp.of(job).identity for job in jobs(params)}

    csv(*ROWS)
    before = stamps()
    csv(*ROWS)
    assert stamps() == before
    csv(*ROWS[1:])
    after = stamps()
    assert {name for name in before if before[name] != after[name]} == {"split/small"}


def test_a_file_that_was_read_may_be_elsewhere_afterwards():
    text = "splits: {small: {members: {file: members.csv}}, few: {}}"
    csv(*ROWS)
    planned = list(jobs(small(text)))
    write([work for work in planned if work.name == "split/small"])
    Path("members.csv").unlink()
    assert list(jobs(small(text))) == planned
    assert "members.file: no such file" in lines_of(small, text.replace("members.csv", "others.csv"))[0]


def test_images_that_are_nowhere_are_one_line_before_any_job_and_may_be_elsewhere_once_prepared():
    text = (
        "datasets: {digits: {source: idx, path: 'my images/t10k'}}\nsplits: {small: {members: 40}, few: {}}"
    )
    line = "experiment.yaml: datasets.digits: my images/t10k: no such file or folder; put it there, or name another"
    assert lines_of(small, text) == [line]
    Path("my images").mkdir()
    Path("my images/t10k").write_bytes(b"images")
    planned = list(jobs(small(text)))
    write([work for work in planned if work.name == "prepare/digits"])
    Path("my images/t10k").unlink()
    assert list(jobs(small(text))) == planned


def test_a_folder_that_holds_the_run_itself_is_refused_before_anything_is_hashed():
    for path in (".", "..", "/", "data", "results/x"):
        text = f"datasets: {{digits: {{source: folder, path: {path}}}}}\nsplits: {{small: {{members: 40}}, few: {{}}}}"
        line = f"experiment.yaml: datasets.digits: {path}: holds this run too; name a folder of images alone"
        assert lines_of(small, text) == [line]


def test_a_drawn_split_counts_what_it_uses_against_memory(monkeypatch):
    monkeypatch.setattr(at_hand, "LARGEST_TABLE", 2 * 1000 * 200)
    text = (
        "splits: {small: {heldout: 100}, few: {heldout: 100}}\nevaluation: {bootstrap: %s, permutations: 20}"
    )
    small(text % 1000)
    [line] = lines_of(small, text % 1001)
    assert "must be at most 1000: more do not fit into memory, each with the 200 samples of small" in line


def test_theory_of_more_members_than_are_given_is_refused_when_they_are_known():
    made({"origin": "train", "heldout": "test"})
    work = theory_job(TheoryKnobs(field_members=51), "mine", "d")
    assert lines_of(work.do) == [
        "params.yaml: theory.field_members: must be at most 50, the members of its split (got 51)"
    ]


def test_a_split_with_gaps_is_scored_and_evaluated_as_if_the_unused_images_were_not_there(known_target):
    """Every third image is unused: scores are those of a split without gaps, and tables have the used alone."""
    knobs = EvaluationKnobs(bootstrap=100, permutations=20, threads=1)
    statistics = {}
    for step, name in ((1, "all"), (3, "fewer")):
        unused = [i for i in range(3 * N) if step == 3 and i % 3 == 1]
        rows = [f"{i},{'unused' if i in unused else ROLES[i % N]}" for i in range(3 * N)]
        store("d", np.random.default_rng(1).integers(0, 256, (3 * N, 1, 4, 4), dtype=np.uint8))
        made(csv(*rows, header="sample_id,role"))
        split, scores = Split.read(paths.split("mine")), paths.scores("t", "sima")
        assert len(split) == 3 * N - len(unused)
        target = known_target(lambda z, t: z * (1 + t))
        asker = Asker(target, Images.open(paths.images("d")), split, 5, 7, torch.device("cpu"))
        metadata = {"attack": "sima", "member_when": "low"}
        file = ScoreFile(scores, Asking(SimA(timesteps=[0, 30], norms=[4])), metadata)
        write_scores([file], asker, scores.parent / name)
        read = Scores.read(scores)
        statistics[name] = dict(zip(read.sample_id.tolist(), read.statistic.T.tolist(), strict=True))
    assert statistics["fewer"] == {i: values for i, values in statistics["all"].items() if i % 3 != 1}
    features_job("mine", "d").do()
    blind_job("mine", "d", knobs).do()
    nearest_job("mine", "d", NearDuplicateKnobs(), 1).do()
    work = evaluate_job("t", "mine", "stated", {"sima": scores}, {}, knobs)
    work.do()
    selected = pd.read_parquet(work.output("selected"))
    assert selected.sample_id.tolist() == split.sample_id.tolist()
    assert read_json(paths.blind("mine", "json"))["one_sided"] == {}
    nearest = pd.read_parquet(paths.nearest("mine"))
    assert set(nearest.member_id) <= {*split.member_ids.tolist()}
    summary = read_json(work.output("summary"))
    evaluated = split.is_member[~split.is_calibration]
    assert (summary["members"], summary["heldout"]) == (evaluated.sum(), (~evaluated).sum())
