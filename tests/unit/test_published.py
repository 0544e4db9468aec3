"""Published numbers keep their distance from ours: other ids, no limits, their own ranks."""

from scipy.stats import rankdata

from simaudit.evaluation.comparison.published import published
from simaudit.evaluation.numbers import Ledger, ledger
from simaudit.storage.json import write_json


def book(tmp_path):
    write_json(tmp_path / "published.json", published())
    return Ledger(ledger([tmp_path / "published.json"]))


def test_a_published_number_is_printed_without_limits(tmp_path):
    numbers = book(tmp_path)
    name = "published.sima.ddpm.cifar-10-vs-cifar-10.none.sima.auc"
    assert numbers.estimate(name) == "0.9045"
    assert numbers.value("published.sima.ldm.imagenet-1k-vs-imagenetv2.unconditional.secmi.asr") == 0.568
    assert numbers.value("published.beta.adversarial.beta=1e-6.auc") == 0.769
    assert all(name.startswith("published.") for name in numbers.numbers)


def test_ranks_are_those_of_the_published_table_row_by_row(tmp_path):
    numbers = book(tmp_path)
    attacks = ("loss", "pfami", "pia", "secmi", "sima")
    experiments = {}
    for *where, attack, metric in numbers.under("published.sima"):
        if metric == "auc":
            name = ".".join(("published.sima", *where, attack, metric))
            experiments.setdefault(tuple(where), {})[attack] = numbers.value(name)
    assert len(experiments) == numbers.value("published.ranks.auc.targets") == 16
    ranks = [rankdata([-row[attack] for attack in attacks]) for row in experiments.values()]
    for attack, *per_experiment in zip(attacks, *ranks, strict=True):
        mean = sum(per_experiment) / len(per_experiment)
        assert abs(numbers.value(f"published.ranks.auc.{attack}.mean_rank") - mean) < 1e-9
