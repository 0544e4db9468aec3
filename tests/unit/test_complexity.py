"""How complex images are: features of each image by itself, of every shape and type of the store."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image
from storing import store

from simaudit.data import store as storage
from simaudit.data.complexity import complexity_features, read_features
from simaudit.data.jobs import features_job
from simaudit.data.split import make_split, write_split
from simaudit.data.store import Images
from simaudit.storage.pictures import levels
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 20), (2, 5, 7), (4, 16, 16), (3, 1, 1), (1, 1, 9)])
@pytest.mark.parametrize("kind", [noise, np.zeros, np.ones], ids=["noise", "grey", "white"])
def test_features_of_images_of_any_shape_are_finite_and_of_one_image_each(shape, kind):
    images = kind((3, *shape)) if kind is not noise else noise(3, *shape)
    whole = complexity_features(images)
    assert len(whole) > 15
    for name, values in whole.items():
        assert values.shape == (3,), name
        assert values.dtype == np.float64, name
        assert np.isfinite(values).all(), name
        alone = complexity_features(images[1:2])[name]
        np.testing.assert_allclose(alone, values[1:2], err_msg=name)


def test_features_are_what_their_names_say():
    x = noise(1, 3, 16, 16)
    x[0, :, 0, 0] = 1
    found = {name: values[0] for name, values in complexity_features(x).items()}
    pixels, (image,) = levels(x)[0], x.astype(np.float64)
    stream = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(stream, format="PNG")
    assert found["png"] == pytest.approx(np.log(len(stream.getvalue())))
    assert found["zlib"] == pytest.approx(np.log(len(zlib.compress(pixels.tobytes(), 9))))
    assert found["log_l2"] == pytest.approx(np.log(np.sqrt(np.mean(image**2))))
    assert found["log_l4"] == pytest.approx(np.log(np.mean(image**4) ** 0.25))
    steps = [np.abs(np.diff(image, axis=axis)).sum() for axis in (1, 2)]
    assert found["total_variation"] == pytest.approx(np.log(sum(steps) / image.size))
    assert found["saturation"] == pytest.approx((image.max(0) - image.min(0)).mean())
    assert found["clipped"] == 3 / image.size


def test_power_lies_in_the_band_of_a_waves_frequency():
    place = np.arange(20)
    waves = np.stack([np.cos(2 * np.pi * k * place / 20) for k in (1, 9)])[:, None, None, :].repeat(
        20, axis=2
    )
    found = complexity_features(waves)
    bands = np.stack([found[f"power_{band}"] for band in range(5)])
    assert bands.argmax(axis=0).tolist() == [0, 3]


def test_rougher_images_are_longer_in_every_codec():
    rough = noise(1, 1, 32, 32)
    smooth = np.full_like(rough, 0.5)
    for name in ("png", "webp", "jpeg_75", "jpeg_95", "zlib", "total_variation", "gradient", "laplacian"):
        assert complexity_features(rough)[name] > complexity_features(smooth)[name] + 0.1, name


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_job_writes_a_row_per_sample_of_the_split_in_blocks(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "BLOCK", 3 * 64)
    images = noise(90, 1, 8, 8)
    store("d", levels(images) if dtype == np.uint8 else images)
    frame = make_split([f"{i:064x}" for i in range(90)], 40, 0.5, seed=0, heldout=45)  # some are unused
    write_split(paths.split("s"), frame)
    features_job("s", "d").do()
    used = frame.sample_id[frame.fold.notna()].to_numpy()
    found = read_features(paths.features("s"), used)
    stored = Images.open(paths.images("d"))[used]
    for name, values in complexity_features(stored).items():
        np.testing.assert_allclose(found[name], values, err_msg=name)
    with pytest.raises(SimauditError, match=r"features/s\.parquet: is of other samples than the split"):
        read_features(paths.features("s"), used[1:])
