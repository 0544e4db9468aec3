"""Each rule by which a picture file becomes pixels, on values worked out by hand, by NumPy or by Pillow directly."""

import struct
import zlib

import numpy as np
import pytest
from drawing import COLOURS, RNG, converted, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from pydantic import ValidationError

from simaudit.data.pictures.decoding import EXTENSIONS, FORMATS, PictureError
from simaudit.data.sources.folder import Folder

COLOUR, GREYS = COLOURS[0], COLOURS[0, :, :, 0]
CHANNELS_FIRST = COLOUR.transpose(2, 0, 1)


def of_mode(mode, *values):
    """A picture of one row, with these values of a mode."""
    picture = Image.new(mode, (len(values), 1))
    picture.putdata(values)
    return picture


def row(pixels):
    """What is in the one row of pixels (C, 1, W), for each place: a value, or one per channel."""
    values = pixels[:, 0].T.tolist()
    return [value[0] if len(value) == 1 else tuple(value) for value in values]


def palette(*colours, **how):
    picture = of_mode("P", *range(len(colours)))
    picture.putpalette([channel for colour in colours for channel in colour])
    return saved(picture, **how)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (saved(of_mode("1", 0, 1)), [0, 255]),
        (saved(of_mode("L", 0, 7, 255)), [0, 7, 255]),
        (saved(of_mode("LA", (7, 255), (9, 255))), [7, 9]),
        (palette((1, 2, 3), (250, 0, 9)), [(1, 2, 3), (250, 0, 9)]),
        (palette((5, 5, 5), (9, 9, 9)), [(5, 5, 5), (9, 9, 9)]),  # a palette is colour, whatever is in it
        (saved(of_mode("RGB", (1, 2, 3))), [(1, 2, 3)]),
        (saved(of_mode("RGBA", (1, 2, 3, 255))), [(1, 2, 3)]),
        (saved(of_mode("CMYK", (0, 0, 0, 0), (255, 0, 0, 0)), "TIFF"), [(255, 255, 255), (0, 255, 255)]),
        (saved(of_mode("YCbCr", (40, 128, 128), (76, 85, 255)), "TIFF"), [(40, 40, 40), (254, 0, 0)]),
    ],
    ids=["1-bit", "grey", "grey, opaque", "palette", "grey palette", "RGB", "RGBA, opaque", "CMYK", "YCbCr"],
)
def test_a_picture_of_eight_bits_or_fewer_stays_grey_or_in_colour(data, expected):
    pixels = converted(data)
    assert pixels.dtype == np.uint8
    assert row(pixels) == expected


@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_a_picture_becomes_the_colour_that_is_asked_for(colour):
    grey, colours = of_mode("L", 7), of_mode("RGB", (255, 0, 0), (0, 255, 0), (9, 9, 9))
    luma = [76, 150, 9]  # 0.299 and 0.587 of 255, ITU-R BT.601
    asked = {"rgb": ([(7, 7, 7)], [(255, 0, 0), (0, 255, 0), (9, 9, 9)]), "grey": ([7], luma)}
    assert (row(converted(grey, colour=colour)), row(converted(colours, colour=colour))) == asked[colour]


TRANSPARENT = {
    "grey with alpha": (saved(of_mode("LA", (100, 255), (100, 51), (100, 0))), [100, 224, 255], [100, 20, 0]),
    "RGBA": (
        saved(of_mode("RGBA", (100, 0, 50, 51), (1, 2, 3, 0))),
        [(224, 204, 214), (255,) * 3],
        [(20, 0, 10), (0,) * 3],
    ),
    "palette": (
        palette((1, 2, 3), (9, 9, 9), transparency=1),
        [(1, 2, 3), (255,) * 3],
        [(1, 2, 3), (0,) * 3],
    ),
    "palette with alpha": (palette((10, 20, 30), transparency=bytes([51])), [(206, 208, 210)], [(2, 4, 6)]),
    "grey that is transparent": (saved(of_mode("L", 5, 6), transparency=6), [5, 255], [5, 0]),
    "a colour that is transparent": (
        saved(of_mode("RGB", (1, 2, 3), (4, 5, 6)), transparency=(4, 5, 6)),
        [(1, 2, 3), (255,) * 3],
        [(1, 2, 3), (0,) * 3],
    ),
}


@pytest.mark.parametrize(("data", "on_white", "on_black"), TRANSPARENT.values(), ids=TRANSPARENT)
def test_a_picture_that_is_not_opaque_is_laid_onto_a_background_or_refused(data, on_white, on_black):
    assert row(converted(data, background="white")) == on_white
    assert row(converted(data, background="black")) == on_black
    with pytest.raises(PictureError, match="not opaque; set background"):
        converted(data)


SIXTEEN = np.array([[0, 1, 32768, 65535]], np.uint16)
IN_RANGE = (SIXTEEN / 65535 * 2 - 1)[np.newaxis]


def test_sixteen_bits_of_grey_are_kept_as_floats():
    for data in (
        saved(SIXTEEN),
        saved(SIXTEEN, "TIFF"),
        saved(Image.fromarray(SIXTEEN.astype(">u2")), "TIFF"),
    ):
        pixels = converted(data)
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels, IN_RANGE, atol=1e-7)
        np.testing.assert_allclose(converted(data, colour="rgb"), [IN_RANGE[0]] * 3, atol=1e-7)
        np.testing.assert_allclose(converted(data, colour="grey"), IN_RANGE, atol=1e-7)


def test_sixteen_bits_of_grey_are_resampled_unrounded_and_stay_between_black_and_white():
    values = np.array([[0, 1], [2, 7]], np.uint16)
    np.testing.assert_allclose(converted(values, size=1, resample="box"), 2.5 / 65535 * 2 - 1, atol=1e-7)
    edge = np.repeat(np.array([[0, 65535]], np.uint16), 8, axis=1)
    pixels = converted(np.repeat(edge, 16, axis=0), size=12, resample="lanczos")
    assert (pixels.min(), pixels.max()) == (-1, 1)


def test_a_grey_of_sixteen_bits_that_is_transparent_is_laid_onto_a_background_or_refused():
    data = saved(SIXTEEN, transparency=32768)
    on_white = IN_RANGE.copy()
    on_white[0, 0, 2] = 1
    np.testing.assert_allclose(converted(data, background="white"), on_white, atol=1e-7)
    with pytest.raises(PictureError, match="not opaque"):
        converted(data)


def png_of_sixteen_bits(colour_type, values):
    """A PNG file of one pixel, written by hand, since Pillow writes none of this kind."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 16, colour_type, 0, 0, 0)
    row = zlib.compress(b"\0" + struct.pack(f">{len(values)}H", *values))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("colour_type", "values", "expected"),
    [(2, [0x1234, 0xFF00, 0x0100], (0x12, 0xFF, 0x01)), (4, [0xABCD, 0xFFFF], (0xAB, 0xAB, 0xAB))],
    ids=["RGB", "grey with alpha"],
)
def test_other_pictures_of_sixteen_bits_are_rgb_and_keep_the_upper_eight(colour_type, values, expected):
    pixels = converted(png_of_sixteen_bits(colour_type, values))
    assert (pixels.dtype, row(pixels)) == (np.uint8, [expected])


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bits_are_refused_since_their_range_is_not_known(kind):
    with pytest.raises(
        PictureError, match="32 bits per pixel, whose range no picture states; use the source array"
    ):
        converted(saved(np.ones((2, 2), kind), "TIFF"))


def test_a_colour_space_that_is_not_read_is_refused():
    with pytest.raises(PictureError, match="mode LAB, which is not read; convert it to RGB"):
        converted(saved(Image.new("LAB", (2, 2)), "TIFF"))


TURNED = {
    1: COLOUR,
    2: COLOUR[:, ::-1],
    3: COLOUR[::-1, ::-1],
    4: COLOUR[::-1],
    5: COLOUR.transpose(1, 0, 2),
    6: np.rot90(COLOUR, -1),  # clockwise
    7: np.rot90(COLOUR.transpose(1, 0, 2), 2),
    8: np.rot90(COLOUR),
}


@pytest.mark.parametrize(("orientation", "expected"), TURNED.items())
def test_a_picture_is_turned_as_its_exif_data_say(orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(converted(saved(COLOUR, exif=exif)), expected.transpose(2, 0, 1))


def test_a_colour_profile_is_not_applied():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(converted(saved(COLOUR, icc_profile=profile)), CHANNELS_FIRST)


OTHERS = [Image.fromarray(other) for other in COLOURS[1:3]]


@pytest.mark.parametrize(
    ("kind", "how"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})]
)
def test_a_picture_of_several_frames_is_refused(kind, how):
    data = saved(COLOUR, kind, save_all=True, append_images=OTHERS, **how)
    with pytest.raises(PictureError, match="has 3 frames; save the one"):
        converted(data)
    assert converted(saved(COLOUR, kind, save_all=True, **how)).shape == (3, 5, 7)


def test_of_a_cameras_jpeg_with_previews_the_photograph_is_taken():
    several = converted(saved(COLOUR, "MPO", save_all=True, append_images=OTHERS))
    assert np.array_equal(several, converted(saved(COLOUR, "JPEG")))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000"])
def test_a_file_is_read_by_its_content_in_every_format_without_loss(kind):
    how = {"WEBP": {"lossless": True}, "JPEG2000": {"irreversible": False}}.get(kind, {})
    assert np.array_equal(converted(saved(COLOUR, kind, **how)), CHANNELS_FIRST)


def test_every_format_that_is_read_has_an_extension_and_the_other_way_round():
    Image.init()
    assert {Image.EXTENSION[extension] for extension in EXTENSIONS} == set(FORMATS)
    assert set(FORMATS) <= set(Image.OPEN)


PHOTOGRAPH = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(kind, part):
    data = saved(PHOTOGRAPH, kind)
    with pytest.raises(PictureError, match=r"is truncated or damaged \(.+\); replace|is no PNG, JPEG"):
        converted(data[: int(part * len(data))])


def test_a_damaged_file_is_refused():
    data = bytearray(saved(PHOTOGRAPH))
    data[len(data) // 2] ^= 255
    with pytest.raises(PictureError, match="truncated or damaged"):
        converted(bytes(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty; replace or remove it"),
        (b"<html>not found</html>", "is no PNG, JPEG, .* file; convert or remove it"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no PNG"),
        (saved(COLOUR)[:8], "truncated or damaged|is no PNG"),
    ],
    ids=["empty", "a web page", "PostScript", "a signature alone"],
)
def test_what_is_no_picture_is_refused(data, why):
    with pytest.raises(PictureError, match=why):
        converted(data)


def test_a_decompression_bomb_is_refused(monkeypatch):
    for most in (
        34,
        10,
    ):  # of 35 pixels: Pillow warns of more than `most`, and refuses more than twice as many
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(
            PictureError, match=f"more than {most} pixels, which is Pillow's limit; make it smaller"
        ):
            converted(COLOUR)


def test_too_little_memory_is_no_fault_of_the_picture(monkeypatch):
    def load(_):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(MemoryError):
        converted(COLOUR)


# ---- size ------------------------------------------------------------------------------------------------------------


def test_a_picture_keeps_its_size_where_none_is_asked_for_or_it_has_it():
    for knobs in ({}, {"size": [5, 7]}, {"size": [5, 7], "crop": "none", "resample": "lanczos"}):
        assert np.array_equal(converted(COLOUR, **knobs), CHANNELS_FIRST)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (5, GREYS[:, 1:6]),
        ([5, 6], GREYS[:, 0:6]),  # of an odd rest, the right side loses one more
        ([4, 7], GREYS[0:4]),
        ([2, 7], GREYS[1:3]),
        ([5, 1], GREYS[:, 3:4]),
    ],
    ids=str,
)
def test_the_largest_centred_part_is_cut_out_and_not_resampled_where_that_is_enough(size, expected):
    assert np.array_equal(converted(GREYS, size=size)[0], expected)


def test_a_cut_part_is_resampled_from_its_own_pixels_alone():
    values = np.zeros((4, 8), np.uint8)
    values[:, 2:6] = 100
    for resample in ("box", "bilinear", "hamming", "bicubic", "lanczos"):
        assert np.all(converted(values, size=2, resample=resample) == 100)


def test_without_a_crop_each_side_is_resampled_on_its_own():
    values = np.array([[0, 20, 100, 110], [10, 30, 120, 130]], np.uint8)
    assert converted(values, size=[1, 2], crop="none", resample="box")[0].tolist() == [[15, 115]]
    assert converted(values, size=1, crop="none", resample="box")[0].tolist() == [
        [66]
    ]  # of 58 and 73: each pass rounds
    assert converted(values, size=1, resample="box")[0].tolist() == [
        [68]
    ]  # of the two columns in the middle: 67.5


@pytest.mark.parametrize("resample", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_the_filters_are_pillows_and_the_default_is_bicubic(resample):
    filters = getattr(Image.Resampling, resample.upper())
    expected = np.asarray(Image.fromarray(PHOTOGRAPH).resize((20, 24), filters)).transpose(2, 0, 1)
    assert np.array_equal(converted(PHOTOGRAPH, size=[24, 20], crop="none", resample=resample), expected)
    is_default = np.array_equal(converted(PHOTOGRAPH, size=[24, 20], crop="none"), expected)
    assert is_default == (resample == "bicubic")


def test_a_picture_is_laid_onto_the_background_before_it_is_resampled():
    hidden = np.array([[[0, 255], [200, 0]]], np.uint8)  # grey and alpha: what is invisible has no say
    assert (
        converted(Image.fromarray(hidden, "LA"), background="black", size=1, crop="none", resample="box")[0]
        == 0
    )


@pytest.mark.parametrize("size", [8, [5, 8], [6, 6], [1, 8]], ids=str)
def test_a_picture_that_is_too_small_is_refused_or_enlarged(size):
    with pytest.raises(
        PictureError, match=r"has 5×7 pixels, too few for .×.; lower size, or set enlarge: true"
    ):
        converted(COLOUR, size=size)
    height, width = size if isinstance(size, list) else (size, size)
    assert converted(COLOUR, size=size, enlarge=True).shape == (3, height, width)


SIDES = st.integers(1, 12)


@settings(max_examples=150, derandomize=True)
@given(
    shape=st.tuples(SIDES, SIDES),
    size=st.tuples(SIDES, SIDES),
    crop=st.sampled_from(["center", "none"]),
    resample=st.sampled_from(["nearest", "box", "bicubic"]),
)
def test_whatever_the_size_it_is_the_one_asked_for_and_one_colour_stays_one_colour(
    shape, size, crop, resample
):
    plain = np.full(shape, 77, np.uint8)
    pixels = converted(plain, size=list(size), crop=crop, resample=resample, enlarge=True)
    assert pixels.shape == (1, *size)
    assert np.all(pixels == 77)


def test_one_number_is_both_sides():
    assert Folder(source="folder", path="x", size=8) == Folder(source="folder", path="x", size=[8, 8])


@pytest.mark.parametrize("size", [0, 5000, True, "8", 8.0, [8], [8, 8, 8], [0, 8], []], ids=str)
def test_a_size_is_one_or_two_whole_numbers(size):
    with pytest.raises(ValidationError):
        Folder(source="folder", path="x", size=size)
