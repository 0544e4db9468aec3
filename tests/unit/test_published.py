"""Published numbers keep their distance from ours: other ids, no limits, their own ranks."""

from scipy.stats import rankdata

from simaudit.evaluation.comparison.published import published
from simaudit.evaluation.numbers import Ledger, ledger
from simaudit.figures.printed import estimate
from simaudit.storage.json import write_json


def book(tmp_path):
    write_json(tmp_path / "published.json", published())
    write_json(tmp_path / "numbers.json", ledger([tmp_path / "published.json"]))
    return Ledger.read(tmp_path / "numbers.json")


def test_a_published_number_is_printed_without_limits(tmp_path):
    numbers = book(tmp_path)
    name = "published.sima.ddpm.cifar-10-vs-cifar-10.none.sima.auc"
    assert estimate(numbers.numbers[name]) == "0.9045"
    assert (
        numbers.numbers["published.sima.ldm.imagenet-1k-vs-imagenetv2.unconditional.secmi.asr"].value == 0.568
    )
    assert numbers.numbers["published.beta.adversarial.beta=1e-6.auc"].value == 0.769
    assert all(name.startswith("published.") for name in numbers.numbers)


def test_ranks_are_those_of_the_published_table_row_by_row(tmp_path):
    numbers = book(tmp_path)
    attacks = ("loss", "pfami", "pia", "secmi", "sima")
    experiments = {
        experiment["of"]: {
            number.attack: number.value for number in numbers.find(metric="auc", of=experiment["of"])
        }
        for experiment in published()["experiments"]
    }
    assert len(experiments) == numbers.numbers["published.ranks.auc.targets"].value == 16
    ranks = [rankdata([-row[attack] for attack in attacks]) for row in experiments.values()]
    for attack, *per_experiment in zip(attacks, *ranks, strict=True):
        mean = sum(per_experiment) / len(per_experiment)
        assert abs(numbers.numbers[f"published.ranks.auc.{attack}.mean_rank"].value - mean) < 1e-9


def test_an_experiment_says_in_words_what_its_numbers_are_of(tmp_path):
    (cifar,) = (
        experiment
        for experiment in published()["experiments"]
        if (experiment["model"], experiment["members"]) == ("ddpm", "cifar-10")
    )
    assert (cifar["heldout"], cifar["condition"]) == ("cifar-10", "none")
    (sima,) = book(tmp_path).find(attack="sima", metric="auc", of=cifar["of"])
    assert sima.value == 0.9045  # Table 1
