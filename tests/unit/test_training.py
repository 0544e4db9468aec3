"""The training loop: resumed equals uninterrupted, EMA as defined, and refusals that name the step."""

import numpy as np
import pytest
import torch

from simaudit.machine import precision
from simaudit.training.denoiser import CHECKPOINT, DenoiserRun
from simaudit.training.knobs import Training
from simaudit.training.loop import Trainable, intermediate_path, train
from simaudit.vocabulary.errors import SimauditError

IDS = np.arange(3, 17)  # 14 members: batches of 4, 4, 4 and 2


def knobs(**changes):
    values = {"epochs": 3, "batch_size": 4, "learning_rate": 0.01, "warmup_steps": 3, "ema_decay": 0.9}
    return Training(**values | {"checkpoint_every": 5} | changes)


def network():
    torch.manual_seed(11)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Dropout(0.3), torch.nn.Conv2d(4, 1, 1)
    )


@pytest.fixture(params=["float32", "bfloat16"])
def computing(request, monkeypatch):
    """In a precision; in bfloat16 weights lie channels last, as on a GPU."""
    if request.param == "bfloat16":
        monkeypatch.setattr(precision, "memory_format", lambda device: torch.channels_last)
    with precision.computing_in(request.param, torch.device("cpu")):
        yield request.param


def objective(model, steps_until_kill=None, seen=None):
    """Noisy regression with dropout: any randomness that is not restored would show in the weights."""
    calls = iter(range(10**6))

    def loss(x, step):
        if next(calls) == steps_until_kill:
            raise KeyboardInterrupt
        if seen is not None:
            seen.append(x)
        with precision.autocast(x.device):
            output = model(x + torch.randn_like(x))
        return (output.float() - x).square().mean()

    return loss


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("killed_at", [1, 5, 6, 11])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.usefixtures("computing")
def test_a_resumed_run_ends_at_the_same_weights_as_an_uninterrupted_one(tmp_path, images, killed_at, flip):
    whole = network()
    settings = knobs(horizontal_flip=flip)
    losses = train([Trainable(whole, objective(whole))], images, IDS, settings, tmp_path / "whole.pt", "a")

    first = network()
    with pytest.raises(KeyboardInterrupt):
        train(
            [Trainable(first, objective(first, killed_at))],
            images,
            IDS,
            settings,
            tmp_path / "killed.pt",
            "a",
        )
    second, seen = network(), []
    resumed = train(
        [Trainable(second, objective(second, seen=seen))], images, IDS, settings, tmp_path / "killed.pt", "a"
    )

    assert len(seen) == 12 - 5 * (killed_at // 5)  # it went on from its checkpoint, not from the start
    assert torch.equal(weights(second), weights(whole))
    assert resumed == losses


def test_weights_their_average_and_the_optimiser_are_float32_in_any_precision(tmp_path, images, computing):
    model, inside = network(), []
    model[0].register_forward_hook(lambda module, given, output: inside.append(output.dtype))
    train([Trainable(model, objective(model))], images, IDS, knobs(), tmp_path / "c.pt", "a")
    state = torch.load(tmp_path / "c.pt", weights_only=True)
    (trained,) = state["trainables"]
    moments = [value for of in trained["optimizer"]["state"].values() for value in of.values()]
    kept = [*trained["network"].values(), *moments, *state["ema"]["shadow_params"], *model.parameters()]
    assert {tensor.dtype for tensor in kept} == {torch.float32}
    assert set(inside) == {getattr(torch, computing)}
    assert all(weight.is_contiguous() for weight in model.parameters())


def test_each_epoch_sees_every_member_once_and_nobody_else(tmp_path, images):
    model, seen = network(), []
    train([Trainable(model, objective(model, seen=seen))], images, IDS, knobs(), tmp_path / "c.pt", "a")
    epochs = [torch.cat(seen[4 * epoch : 4 * epoch + 4]).numpy() for epoch in range(3)]
    members = sorted(images[IDS].sum((1, 2, 3)).tolist())
    orders = [epoch.sum((1, 2, 3)).tolist() for epoch in epochs]
    assert all(sorted(order) == pytest.approx(members) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_the_saved_weights_are_the_moving_average(tmp_path, images):
    """θ_ema ← d θ_ema + (1 − d) θ after every step, with d warming up as min(decay, (1 + k)/(10 + k))."""
    model, trajectory = network(), []

    def loss(x, step):
        trajectory.append(weights(model))
        return (model(x) - x).square().mean()

    train([Trainable(model, loss)], images, IDS, knobs(), tmp_path / "c.pt", "a")
    final = torch.load(tmp_path / "c.pt", weights_only=True)["trainables"][0]["network"]
    trajectory.append(torch.cat([value.flatten() for value in final.values()]))
    average = trajectory[0]
    for k, theta in enumerate(trajectory[1:]):
        decay = min(0.9, (1 + k) / (10 + k)) if k else 0.0
        average = decay * average + (1 - decay) * theta
    torch.testing.assert_close(weights(model), average, rtol=1e-4, atol=1e-6)


def test_the_learning_rate_warms_up_linearly(tmp_path, images):
    """Adam's first step is the learning rate in size; the first warm-up step is therefore (nearly) zero."""
    model = network()
    start = weights(model)
    steps = []

    def loss(x, step):
        steps.append(weights(model))
        return (model(x) - x).square().mean()

    train([Trainable(model, loss)], images, IDS, knobs(warmup_steps=100), tmp_path / "c.pt", "a")
    assert torch.equal(steps[1], start)
    assert (steps[2] - steps[1]).abs().max() == pytest.approx(0.01 / 100, rel=0.05)


def test_a_checkpoint_of_other_parameters_is_not_resumed(tmp_path, images):
    model, seen = network(), []
    train([Trainable(model, objective(model))], images, IDS, knobs(), tmp_path / "c.pt", "a")
    train([Trainable(network(), objective(model, seen=seen))], images, IDS, knobs(), tmp_path / "c.pt", "b")
    assert len(seen) == 12


def damage(checkpoint, kind):
    """Make a whole checkpoint one of the files that may lie in its place: half of it, something else, or a key less."""
    if kind == "half":
        checkpoint.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    elif kind == "text":
        checkpoint.write_bytes(b"no checkpoint at all")
    elif kind == "tensor":
        torch.save(torch.zeros(3), checkpoint)
    else:
        content = torch.load(checkpoint, weights_only=True)
        del content[kind]
        torch.save(content, checkpoint)


@pytest.mark.parametrize("kind", ["half", "text", "tensor", "identity", "trainables", "ema"])
def test_a_file_that_is_no_whole_checkpoint_is_one_line_and_training_starts_anew(
    tmp_path, images, caplog, kind
):
    whole, model, seen = network(), network(), []
    checkpoint = tmp_path / "c.pt"
    train([Trainable(whole, objective(whole))], images, IDS, knobs(), checkpoint, "a")
    damage(checkpoint, kind)
    caplog.clear()
    train([Trainable(model, objective(model, seen=seen))], images, IDS, knobs(), checkpoint, "a")
    assert len(seen) == 12
    assert torch.equal(weights(model), weights(whole))
    (line,) = [record.getMessage() for record in caplog.records if "c.pt" in record.getMessage()]
    assert line.startswith(f"{checkpoint}: not a whole checkpoint (")


@pytest.mark.parametrize(
    "speed", [{"checkpoint_every": 3}, {"checkpoint_every": 100}, {"threads": 2, "device": "cpu"}]
)
def test_knobs_of_speed_may_change_between_a_killed_run_and_the_one_that_resumes(tmp_path, images, speed):
    def run(name, model, settings, steps_until_kill=None, seen=None):
        trainable = Trainable(model, objective(model, steps_until_kill, seen))
        return train([trainable], images, IDS, settings, tmp_path / name, "a")

    settings = {"checkpoint_every": 5, "intermediate_epochs": [1, 2]}
    whole, model, seen = network(), network(), []
    losses = run("whole.pt", whole, knobs(**settings))
    with pytest.raises(KeyboardInterrupt):
        run("c.pt", network(), knobs(**settings), steps_until_kill=7)
    first = intermediate_path(tmp_path / "c.pt", 1)
    written = first.stat().st_mtime_ns
    resumed = run("c.pt", model, knobs(**settings | speed), seen=seen)

    assert len(seen) == 12 - 5
    assert torch.equal(weights(model), weights(whole))
    assert resumed == losses
    assert first.stat().st_mtime_ns == written  # the first epoch was over, and its checkpoint stays
    for epoch in (1, 2):
        paths = (intermediate_path(tmp_path / name, epoch) for name in ("c.pt", "whole.pt"))
        ours, theirs = (torch.load(path, weights_only=True) for path in paths)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_loss_that_is_not_finite_stops_with_step_and_checkpoint(tmp_path, images):
    model, calls = network(), iter(range(100))

    def loss(x, step):
        return (model(x) - x).square().mean() * (float("nan") if next(calls) == 7 else 1)

    checkpoint = tmp_path / "c.pt"
    with pytest.raises(
        SimauditError, match=rf"loss is nan at step 7; .*last good checkpoint is {checkpoint}"
    ):
        train([Trainable(model, loss)], images, IDS, knobs(), checkpoint, "a")
    assert torch.load(checkpoint, weights_only=True)["step"] == 5


def test_flips_mirror_about_half_of_the_images(tmp_path, images):
    model, seen = network(), []
    settings = knobs(horizontal_flip=True, epochs=20)
    train([Trainable(model, objective(model, seen=seen))], images, IDS, settings, tmp_path / "c.pt", "a")
    originals = {image.tobytes() for image in images[IDS]}
    flipped = {image[..., ::-1].tobytes() for image in images[IDS]}
    shown = [image.numpy().tobytes() for batch in seen for image in batch]
    mirrored = sum(image in flipped for image in shown)
    assert all(image in originals | flipped for image in shown)
    assert 0.4 < mirrored / len(shown) < 0.6


def test_intermediate_checkpoints_are_averages_survive_a_kill_and_leave_training_as_it_is(tmp_path, images):
    whole, short, first, second = (network() for _ in range(4))
    knobs_of = {1: knobs(epochs=1), 3: knobs(epochs=3, intermediate_epochs=[1, 2])}
    train([Trainable(whole, objective(whole))], images, IDS, knobs(), tmp_path / "whole.pt", "a")
    train([Trainable(short, objective(short))], images, IDS, knobs_of[1], tmp_path / "short.pt", "a")
    with pytest.raises(KeyboardInterrupt):
        train([Trainable(first, objective(first, 6))], images, IDS, knobs_of[3], tmp_path / "c.pt", "a")
    train([Trainable(second, objective(second))], images, IDS, knobs_of[3], tmp_path / "c.pt", "a")
    assert torch.equal(weights(second), weights(whole))
    intermediate = torch.load(intermediate_path(tmp_path / "c.pt", 1), weights_only=True)
    assert torch.equal(torch.cat([value.flatten() for value in intermediate.values()]), weights(short))
    assert intermediate_path(tmp_path / "c.pt", 2).exists()


@pytest.mark.parametrize("content", [b"", b"something else", None], ids=["empty", "other", "missing"])
def test_a_damaged_intermediate_checkpoint_is_one_line_that_says_what_to_delete(tmp_path, content):
    file = intermediate_path(tmp_path / CHECKPOINT, 1)
    if content is not None:
        file.write_bytes(content)
    run = DenoiserRun(knobs(intermediate_epochs=[1]), tmp_path, "a")
    with pytest.raises(SimauditError, match=rf"^{file}: .*; delete {tmp_path}, and train again$"):
        list(run.load_each(network()))


def test_a_checkpoint_that_the_memory_has_no_room_for_is_kept(tmp_path, images, monkeypatch):
    model, checkpoint = network(), tmp_path / "c.pt"
    train([Trainable(model, objective(model))], images, IDS, knobs(), checkpoint, "a")

    def load(*arguments, **settings):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes")

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(RuntimeError, match="allocate"):
        train([Trainable(model, objective(model))], images, IDS, knobs(), checkpoint, "a")
    assert checkpoint.exists()


def test_each_update_changes_its_own_networks_weights_only(tmp_path, images):
    """The second is not updated at the first two steps; neither's gradient reaches the other."""
    ours, theirs = network(), network()
    before, seen = weights(theirs), []

    def loss(x, step):
        seen.append(weights(theirs))
        return (ours(x) - theirs(x)).square().mean()

    def theirs_loss(x, step):
        return None if step < 2 else (theirs(x) + ours(x).detach() - x).square().mean()

    train(
        [Trainable(ours, loss), Trainable(theirs, theirs_loss)], images, IDS, knobs(), tmp_path / "c.pt", "a"
    )
    assert all(torch.equal(state, before) for state in seen[:3])
    assert not torch.equal(seen[4], before)
