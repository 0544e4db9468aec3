"""Questions: a model is asked each of them once, whoever asks, and the answers are those of asking alone."""

import re

import numpy as np
import pytest
import torch

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.attacks.threshold.loss import Loss
from simaudit.attacks.threshold.low_pass import LowPass
from simaudit.attacks.threshold.pfami import PFAMI
from simaudit.attacks.threshold.pia import PIA
from simaudit.attacks.threshold.pian import PIAN
from simaudit.attacks.threshold.rediffuse import ReDiffuse
from simaudit.attacks.threshold.secmi import SecMI
from simaudit.attacks.threshold.sima import SimA
from simaudit.attacks.threshold.sima_av import SimAAV
from simaudit.attacks.threshold.sima_mc import SimAMC
from simaudit.diffusion.noise import SampleNoise
from simaudit.scoring import questions
from simaudit.scoring.questions import AskedTarget, Asking
from simaudit.scoring.run import Asker, ScoreFile, collect, score_batch, score_together, write_scores
from simaudit.scoring.unfinished import Unfinished
from simaudit.vocabulary.errors import SimauditError

CPU = torch.device("cpu")
SIMA = SimA(timesteps=[0, 30, 60], norms=[2, 4])
ALL = {
    "pfami": PFAMI(timesteps=[0, 30, 60], crops=2),
    "sima": SIMA,
    "low_pass": LowPass(of="sima", radius=1).on(SIMA),
    "sima_mc": SimAMC(timesteps=[30, 60], draws=[1, 3]),
    "sima_av": SimAAV(timesteps=[30, 60], draws=[2, 6]),
    "loss": Loss(timesteps=[30, 60], draws=[1, 2]),
    "rediffuse": ReDiffuse(timesteps=[60], interval=60, draws=[3]),
    "pia": PIA(timesteps=[30, 60]),
    "pian": PIAN(timesteps=[30, 60]),
    "secmi": SecMI(timesteps=[0, 30], interval=30),
}
DISTINCT = sum(
    [
        3,  # sima, whose queries at 30 and 60 also low_pass wants, and that at 0 pia, pian and secmi
        2 * 3,  # the draws of sima_mc: two of loss are the same, and so are all three of rediffuse at 60
        2 * 3,  # the negative halves of the pairs of sima_av
        2 + 2,  # pia and pian beyond the query at 0
        2,  # secmi beyond that
        1 + 3 * 2,  # pfami: the image itself at 0, and two crops at three timesteps
    ]
)


class Answering:
    """A denoiser that notes what it is asked: how many samples, and which questions (z, t)."""

    def __init__(self):
        self.sizes, self.asked = [], []

    def __call__(self, z, t):
        self.sizes.append(len(z))
        times = t if isinstance(t, torch.Tensor) else torch.full((len(z),), t)
        self.asked += [(int(time), row.numpy().tobytes()) for time, row in zip(times, z, strict=True)]
        return torch.tanh(z.cumsum(-1) + times.view(-1, 1, 1, 1) / 100)


@pytest.fixture
def answering(known_target):
    answering = Answering()
    return answering, known_target(answering)


def noise(count):
    return SampleNoise(0, np.arange(count))


def together(attacks, target, images, rows):
    asking = {name: Asking(attack) for name, attack in attacks.items()}
    return score_together(asking, AskedTarget(target, rows), torch.from_numpy(images), noise(len(images)))


@pytest.mark.parametrize("rows", [24, 7, 100])
def test_each_question_is_asked_once_and_answered_as_if_its_attack_were_alone(answering, images, rows):
    model, target = answering
    got = together(ALL, target, images, rows)
    assert len(model.asked) == len(set(model.asked)) == DISTINCT * len(images)
    alone = 0
    for name, attack in ALL.items():
        model.asked.clear()
        columns, values = score_batch(attack, target, torch.from_numpy(images), noise(len(images)))
        assert got[name].columns == columns
        np.testing.assert_allclose(got[name].values, values, rtol=1e-5, atol=1e-6)
        assert got[name].queries == len(model.asked)
        assert got[name].made <= got[name].queries
        alone += len(model.asked)
    assert alone > 1.4 * DISTINCT * len(images)
    assert sum(piece.made for piece in got.values()) == DISTINCT * len(images)


def test_no_value_is_read_from_the_device_where_nobody_else_could_ask_the_same(
    answering, images, monkeypatch
):
    """A GPU that is waited for at each question stands still until the next one comes."""
    _, target = answering
    _, expected = score_batch(SIMA, target, torch.from_numpy(images), noise(len(images)))

    def read(tensor):
        raise AssertionError("a value is read")

    monkeypatch.setattr(torch.Tensor, "item", read, raising=False)
    with pytest.raises(AssertionError, match="a value is read"):
        together({"sima": SIMA, "pia": PIA(timesteps=[30])}, target, images, 24)
    _, values = score_batch(SIMA, target, torch.from_numpy(images), noise(len(images)))
    np.testing.assert_array_equal(values, expected)


def test_small_batches_are_asked_together_at_mixed_timesteps_and_large_ones_one_question_at_a_time(
    answering, images
):
    model, target = answering
    together(ALL, target, images, 100)
    assert max(model.sizes) == 4 * len(images)
    assert len(model.sizes) < DISTINCT / 2
    model.sizes.clear()
    together(ALL, target, images, 24)
    assert set(model.sizes) == {len(images)}


def test_answers_are_forgotten_where_there_is_no_room(answering, images, monkeypatch):
    model, target = answering
    expected = together(ALL, target, images, 24)
    monkeypatch.setattr(questions, "KEPT_BYTES", 0)
    model.asked.clear()
    got = together(ALL, target, images, 24)
    assert DISTINCT * len(images) <= len(model.asked) < 1.5 * DISTINCT * len(images)
    assert sum(piece.made for piece in got.values()) == len(model.asked)
    for name in ALL:
        np.testing.assert_array_equal(got[name].values, expected[name].values)


def test_too_large_a_batch_is_halved_and_that_is_said_once(answering, images, caplog):
    model, target = answering
    expected = together({"sima": SIMA}, target, images, 24)["sima"].values

    def small(z, t):
        if len(z) > 7:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return model(z, t)

    target.function = small
    got = together({"sima": SIMA}, target, images, 24)["sima"].values
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert [record.message.rpartition(" ")[2] for record in caplog.records] == ["12", "6"]
    assert "scoring.batch_size" in caplog.text


def test_an_error_of_the_model_is_no_lack_of_memory(answering, images):
    def fails(z, t):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    answering[1].function = fails
    with pytest.raises(RuntimeError, match="shapes"):
        together({"sima": SIMA}, answering[1], images, 24)


class Own(TargetAttack):
    """An attack that asks nothing."""

    def statistics(self, target, images, noise):
        yield Statistic(None, {}, 0, target.encode(images).flatten(1).sum(1))


def files(folder, attacks):
    return [
        ScoreFile(
            folder / f"{name}.parquet", Asking(attack), {"attack": name, "member_when": "low"}, key=name
        )
        for name, attack in attacks.items()
    ]


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.glob("*.parquet")}


DISTINCT_OF = {tuple(ALL): DISTINCT, ("sima",): 3}
"""By the names of attacks how many different questions they ask for each sample."""


@pytest.fixture
def scored(answering, images, split):
    """A function: score into a folder, by these attacks, and return the files' bytes and how much was asked."""
    model, target = answering

    def scored(folder, attacks=ALL, size=5):
        model.asked.clear()
        asker = Asker(target, images, split, 0, size, CPU)
        spent = write_scores(files(folder, attacks), asker, folder / "unfinished")
        assert sum(one.made for one in spent) == DISTINCT_OF[tuple(attacks)] * len(split)
        return bytes_of(folder), len(model.asked)

    return scored


def test_what_an_attack_spends_is_that_of_all_samples_also_where_pieces_were_kept(
    answering, images, split, tmp_path
):
    asker = Asker(answering[1], images, split, 0, 5, CPU)
    collect(files(tmp_path, {"sima": SIMA}), asker, asker.batches[:2], Unfinished(tmp_path / "unfinished"))
    (spent,) = write_scores(files(tmp_path, {"sima": SIMA}), asker, tmp_path / "unfinished")
    assert spent.queries == spent.made == 3 * len(split)  # three timesteps
    assert spent.seconds > 0


def test_shards_joined_are_the_same_bytes_as_the_whole(answering, images, split, scored, tmp_path):
    whole, asked = scored(tmp_path / "whole")
    model, target = answering
    folder = tmp_path / "parts"
    batches = Asker(target, images, split, 0, 5, CPU).batches
    assert [rows.stop - rows.start for rows in batches] == [5, 5, 4, 5, 5]
    model.asked.clear()
    for part in (batches[:2], batches[2:]):
        asker = Asker(target, images, split, 0, 5, CPU)
        collect(files(folder, ALL), asker, part, Unfinished(folder / "unfinished"))
    assert len(model.asked) == asked
    joined, more = scored(folder)
    assert (joined, more) == (whole, 0)


@pytest.mark.parametrize("often", [0.0, 1e9])
def test_what_is_finished_when_a_job_is_stopped_is_not_asked_again(
    answering, images, split, scored, tmp_path, often, monkeypatch
):
    monkeypatch.setattr("simaudit.scoring.unfinished.OFTEN", often)
    whole, asked = scored(tmp_path / "whole")
    model, target = answering
    model.asked.clear()

    def stopped(z, t):
        if len(model.asked) > asked / 2:
            raise KeyboardInterrupt
        return model(z, t)

    target.function, folder = stopped, tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        scored(folder)
    before = len(model.asked)
    assert not bytes_of(folder)
    target.function = model
    again, more = scored(folder)
    assert again == whole
    assert asked - before <= more < 0.7 * asked


def test_pieces_of_another_key_and_damaged_ones_are_not_used(answering, images, split, scored, tmp_path):
    whole, asked = scored(tmp_path / "whole", {"sima": SIMA})
    folder, asker = tmp_path / "parts", Asker(answering[1], images, split, 0, 5, CPU)
    collect(files(folder, {"other": SIMA}), asker, asker.batches, Unfinished(folder / "unfinished"))
    (file,) = (folder / "unfinished").iterdir()
    file.with_name("cut.npz").write_bytes(file.read_bytes()[:-30])
    assert scored(folder, {"sima": SIMA}) == (whole, asked)
    assert scored(folder, {"sima": SIMA}) == (whole, 0)


def test_a_bit_that_flips_in_a_piece_is_noticed(answering, images, split, scored, tmp_path):
    whole, _ = scored(tmp_path / "whole", {"sima": SIMA})
    folder, asker, noticed = tmp_path / "parts", Asker(answering[1], images, split, 0, 5, CPU), 0
    for place in range(30):
        collect(files(folder, {"sima": SIMA}), asker, asker.batches, Unfinished(folder / "unfinished"))
        (file,) = (folder / "unfinished").iterdir()
        content = bytearray(file.read_bytes())
        content[len(content) * place // 30] ^= 4
        file.write_bytes(content)
        try:
            assert scored(folder, {"sima": SIMA})[0] == whole  # in a part that means nothing, or a name
        except SimauditError as error:
            assert re.search(r"unfinished/.*\.npz: .*delete it and run again$", str(error))  # noqa: PT017
            noticed += 1
        file.unlink()
    assert noticed > 10


def test_the_image_is_encoded_once(answering, images):
    encoded = []
    target = answering[1]
    target.encode = lambda images: encoded.append(1) or images
    together({"a": Own(), "b": Own(), "sima": SIMA}, target, images, 24)
    assert encoded == [1]
