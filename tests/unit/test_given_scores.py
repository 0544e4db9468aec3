"""Scores that others computed: what they become, what is refused, and that their numbers are scikit-learn's."""

import base64
import re
import zlib

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score, roc_curve

from simaudit.audit.given import evaluate_scores
from simaudit.cli import simaudit
from simaudit.data.classes import class_names
from simaudit.data.store import read_items
from simaudit.scoring.given.jobs import given_split_job
from simaudit.scoring.given.scores import GivenKnobs, read_given
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

SIDES = ("member", "heldout")


def peer(attacks=("SecMI", "pia"), timesteps=(10, 20), each=120, seed=0, **columns):
    """A peer's table in long form: members have lower statistics."""
    rng = np.random.default_rng(seed)
    samples = pd.DataFrame(
        {"file": [f"img {i}.png" for i in range(2 * each)], "role": np.repeat(SIDES, each)}
    )
    parts = [
        samples.assign(
            attack=attack, timestep=t, statistic=rng.normal(size=2 * each) - (samples.role == "member")
        )
        for attack in attacks
        for t in timesteps
    ]
    return pd.concat(parts, ignore_index=True).assign(**columns)


def saved(folder, table, name="peer.csv"):
    """The path of a table that is saved there."""
    path = folder / name
    (table.to_parquet if path.suffix == ".parquet" else table.to_csv)(path, index=False)
    return str(path)


def given(*files, **knobs):
    """What these files hold; members have low statistics if nothing else is said."""
    return read_given(GivenKnobs(files=files, **{"member_when": {"": "low"}, **knobs}))


def refusal(*files, **knobs):
    """The lines by which files are refused, without the folder."""
    with pytest.raises(SimauditError) as error:
        given(*files, **knobs)
    folder = files[0].rpartition("/")[0]
    return str(error.value).replace(f"{folder}/", "").splitlines()


def test_auc_and_tpr_are_those_of_scikit_learn(tmp_path, capsys):
    """On a statistic whose float32 would have ties: given numbers are kept as they are."""
    table = peer(("one",), (5,), 300)
    table.statistic = 1e6 + table.statistic * 1e-2
    assert np.unique(table.statistic.astype(np.float32)).size < len(table)
    out = tmp_path / "out"
    assert evaluate_scores(GivenKnobs(files=(saved(tmp_path, table),), member_when={"": "low"}), out) == 0
    shown = capsys.readouterr().out
    assert "peer leaks clearly who was in its training set." in shown
    assert "Blind classifiers: absent, images were not given" in shown
    assert "Who can do this is not known: the scores were computed elsewhere." in shown
    assert re.search(
        r"As a set: \d+ members together are told from held-out images, p < 0.01\.\n", shown
    )  # without a blind p
    assert (
        "have p below 0.01; of the images nothing is known."
        in (out / "results/figures/peer/set_p_values.json").read_text()
    )
    rows = pd.read_csv(out / "results/figures/run/forest.csv")
    assert set(rows.target) == {"peer"}
    assert rows.value.is_monotonic_decreasing
    page = (out / "results/report/index.html").read_text(encoding="utf-8")
    assert page.index('id="figure-run-forest"') < page.index("What is found of each target.")
    judged = pd.read_csv(out / "scores.csv").query("fold == 'evaluation'")
    is_member = judged.role == "member"
    raw = table.set_index("file").statistic[judged.file].to_numpy()
    fpr, tpr, _ = roc_curve(is_member, -raw, drop_intermediate=False)
    numbers = read_json(out / "results/numbers.json")
    assert numbers["peer.one.auc"]["value"] == pytest.approx(roc_auc_score(is_member, -raw), abs=1e-12)
    found = tpr[fpr <= 0.01].max()
    assert numbers["peer.one.tpr_at_1pct_fpr"]["value"] == pytest.approx(found, abs=1e-12)
    assert numbers["peer.one.auc"]["membership"] == "stated"
    assert read_json(out / "results/evaluation/peer.json")["shifted"] is None
    tables = [file.read_text() for file in (out / "results/tables").rglob("*.csv")]
    assert not any("blind" in table.splitlines()[0] for table in tables)
    page = (out / "results/report/index.html").read_text()
    assert "Controls that are not in this run: blind" in page
    assert "the images were not given" in page
    packed = page.split('id="packed">')[1].split("<")[0]
    known = zlib.decompress(base64.b64decode(packed)).decode()
    assert "simaudit evaluate-scores" in known
    assert "snakemake --cores all results" not in page + known


def test_numbers_lead_to_the_given_file_and_agree_with_it(tmp_path, monkeypatch):
    file, out = saved(tmp_path, peer(), "peer.parquet"), tmp_path / "out"
    command = ["evaluate-scores", file, "--output", str(out), "--member-when", "low"]
    assert CliRunner().invoke(simaudit, command).exit_code == 0
    monkeypatch.chdir(out)
    assert f"given {file}" in CliRunner().invoke(simaudit, ["trace", "peer.secmi.auc"]).output
    done = CliRunner().invoke(simaudit, ["verify", "--all"])
    assert done.exit_code == 0, done.output
    saved(tmp_path, peer(seed=1), "peer.parquet")
    done = CliRunner().invoke(simaudit, ["verify", "--all"])
    assert done.exit_code == 1
    assert f"{file} (of score/peer/pia)" in done.output
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(simaudit, command).exit_code == 0  # again, of the changed file


def test_a_limit_that_is_exceeded_gives_exit_code_3(tmp_path):
    command = ["evaluate-scores", saved(tmp_path, peer()), "--output", str(tmp_path / "out")]
    command += ["--member-when", "low", "--fail-above", "auc=0.6"]
    done = CliRunner().invoke(simaudit, command)
    assert done.exit_code == 3
    assert "FAILED: auc is " in done.output


def test_the_order_of_rows_and_files_decides_nothing(tmp_path):
    table = peer()
    whole = given(saved(tmp_path, table))
    halves = [table[table.attack == attack].sample(frac=1, random_state=3) for attack in ("pia", "SecMI")]
    parts = given(*(saved(tmp_path, half, f"{place}.csv") for place, half in enumerate(halves)))
    pd.testing.assert_frame_equal(whole.samples, parts.samples)
    for attack, scores in whole.attacks.items():
        assert (scores.statistic == parts.attacks[attack].statistic).all()
    assert list(whole.attacks) == ["pia", "secmi"]


def test_words_for_roles_and_given_folds_groups_and_labels(tmp_path):
    fold = np.tile(np.repeat(["calibration", "evaluation"], 60), 8)
    table = peer(fold=fold, group="g", label="cat", queries=7).rename(columns={"file": "sample_id"})
    plain = given(saved(tmp_path, table))
    for words in ((1, 0), (True, False), ("Member", "non-member")):
        other = table.assign(role=np.where(table.role == "member", *words))
        pd.testing.assert_frame_equal(given(saved(tmp_path, other, "b.csv")).samples, plain.samples)
    assert plain.samples.fold.value_counts().to_dict() == {"calibration": 120, "evaluation": 120}
    assert set(plain.samples.group) == {"g"}
    assert [column.queries for column in plain.attacks["pia"].columns] == [7, 7]


@pytest.mark.parametrize(
    ("words", "expected"), [(("10", "2"), {"10", "2"}), (("dog", "cat"), {"dog", "cat"})]
)
def test_classes_are_called_as_in_the_table(tmp_path, monkeypatch, words, expected):
    monkeypatch.chdir(tmp_path)
    file = saved(tmp_path, peer(label=np.tile(words, 480)))
    job = given_split_job("s", GivenKnobs(files=[file], member_when={"": "low"}))
    job.do()
    label = read_items(paths.items("s"), "label").label
    assert set(class_names(paths.items("s"), label)) == expected


def test_a_label_below_zero_is_refused(tmp_path):
    (line,) = refusal(saved(tmp_path, peer(label=-1)))
    assert line.startswith("peer.csv: column label: the label -1 is no whole number from 0")


def test_a_timestep_that_is_no_whole_number_becomes_a_knob_of_the_variant(tmp_path):
    scores = given(saved(tmp_path, peer(timesteps=(0, 0.25)))).attacks["pia"]
    assert [(c.timestep, dict(c.variant)) for c in scores.columns] == [
        (None, {"time": 0.0}),
        (None, {"time": 0.25}),
    ]
    whole = given(saved(tmp_path, peer(timesteps=(0, 1)), "whole.csv")).attacks["pia"]
    assert [c.timestep for c in whole.columns] == [0, 1]


def test_a_variant_is_a_text_or_a_json_object(tmp_path):
    table = peer(("a",), (3,))
    texts = ["raw", '{"norm": 4, "input": "raw"}', ""]
    table = pd.concat([table.assign(variant=text) for text in texts])
    variants = [dict(column.variant) for column in given(saved(tmp_path, table)).attacks["a"].columns]
    assert sorted(map(str, variants)) == sorted(
        map(str, [{"variant": "raw"}, {"input": "raw", "norm": 4}, {}])
    )


def test_two_arrays_are_an_attack(tmp_path):
    members, heldout = np.arange(100.0), np.arange(200.0) + 0.5
    np.savez(tmp_path / "secmi.npz", member_scores=members, nonmember_scores=heldout)
    scores = given(str(tmp_path / "secmi.npz")).attacks["secmi"]
    assert np.array_equal(np.sort(scores.statistic[0][scores.is_member]), members)
    assert np.array_equal(np.sort(scores.statistic[0][~scores.is_member]), heldout)
    assert refusal(saved(tmp_path, peer().drop(columns="role")))[0].startswith("peer.csv: has no column role")
    np.savez(tmp_path / "one.npz", members=members)
    [line] = refusal(str(tmp_path / "one.npz"))
    assert line == "one.npz: must hold two arrays of one axis, named members and heldout"


def test_every_mistake_in_the_cells_is_named_at_once(tmp_path):
    table = peer().astype(object)
    table.loc[0, "statistic"], table.loc[1, "role"], table.loc[2, "timestep"] = "inf", "maybe", -1
    table = table.assign(variant="", fold="", caption="x")
    table.loc[3, "variant"], table.loc[4, "fold"] = "{1}", "test"
    lines = refusal(saved(tmp_path, table), saved(tmp_path, peer(role="member?"), "other.csv"))
    assert [line.split(":")[0] + ":" + line.split(":")[1] for line in lines] == [
        "peer.csv: no column may be called caption; known",
        "peer.csv: column role",
        "peer.csv: column statistic",
        "peer.csv: column timestep",
        "peer.csv: column variant",
        "peer.csv: column fold",
        "other.csv: column role",
    ]
    assert "column statistic: cells are not right (1): inf of img 0.png; write a finite number" in lines[2]


def test_every_mistake_between_rows_is_named_at_once(tmp_path):
    table = peer()
    table = pd.concat([table.drop(index=[5]), table.iloc[[300]]], ignore_index=True)
    table.loc[table.index[0], "role"] = "heldout"
    lines = refusal(saved(tmp_path, table), member_when={"pia": "low", "sima": "high"})
    assert lines == [
        "peer.csv: column role: samples have two (1): img 0.png; say one of each",
        "peer.csv: column statistic: there are two of one sample and attack, variant and timestep (1): img 60.png; "
        "keep one",
        "peer.csv: column statistic: secmi has none at timestep 10, variant (default) of samples (1): img 5.png; "
        "give one of every sample, or leave it out",
        "--member-when: say low or high, for one attack as NAME=low, of attacks (1): secmi",
        "--member-when: no such attacks (1): sima; known: pia, secmi",
    ]


def test_sides_folds_and_statistics_that_cannot_be_measured_are_refused(tmp_path):
    [line] = refusal(saved(tmp_path, peer(role="member")))
    assert line == "peer.csv: column role: says heldout of no sample; give samples of both sides"
    [line] = refusal(saved(tmp_path, peer(each=40)))
    assert "the calibration fold has 12 members" in line
    lines = refusal(saved(tmp_path, peer(("pia",), statistic=1.0)))
    assert len(lines) == 4  # two timesteps, two folds
    assert "pia is the same for all samples of a fold at timestep 10" in lines[0]
    assert refusal(str(tmp_path / "peer.xlsx"))[0].startswith("peer.xlsx: must end in one of .csv")
    assert "missing" in refusal(str(tmp_path / "none.csv"))[0]


def test_nothing_is_written_where_something_is_wrong(tmp_path):
    file = saved(tmp_path, peer(role="?"))
    command = ["evaluate-scores", file, "--output", str(tmp_path / "out"), "--member-when", "low"]
    done = CliRunner().invoke(simaudit, command)
    assert isinstance(done.exception, SimauditError)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("")
    command[3] = str(tmp_path / "full")
    saved(tmp_path, peer())
    done = CliRunner().invoke(simaudit, command)
    assert "holds other files and no evaluation" in str(done.exception)
    done = CliRunner().invoke(simaudit, [*command[:3], str(tmp_path / "out"), "--member-when", "lower"])
    assert "--member-when lower: must be low or high" in str(done.exception)


def test_a_file_given_twice_a_taken_name_and_a_broken_npz_are_one_line_each(tmp_path):
    file, broken = saved(tmp_path, peer()), tmp_path / "broken.npz"
    broken.write_bytes(b"no arrays")
    options = ["--output", str(tmp_path / "out"), "--member-when", "low"]

    def said(*words):
        done = CliRunner().invoke(simaudit, ["evaluate-scores", *words, *options])
        assert isinstance(done.exception, SimauditError)
        return str(done.exception)

    assert said(file, file) == f"{file}: is given 2 times; give it once"
    assert "none of blind, fold, nearest_member, role, run" in said(file, "--name", "role")
    assert said(str(broken)).endswith("save one there, or name another")
