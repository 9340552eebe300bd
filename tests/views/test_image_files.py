import contextlib
import logging
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from recon_lib.errors import BadInput
from recon_lib.views.image_files import (
    read_picture,
    read_size,
    read_stored,
    read_unchanged,
    reduced_size,
    resampled,
)

NOISE = np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8)


def png(path, values: np.ndarray, color_type: int, depth: int = 16, chunks: bytes = b""):
    """A PNG of 16-bit values [H,W,C], which Pillow reads but does not write in colour."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def with_tag(path, pixels, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_turn_that_exif_knows(tmp_path, orientation, suffix):
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(NOISE).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    found = (read_picture(path) * 255).round().byte().movedim(0, 2).numpy()
    assert np.array_equal(found, wanted)
    assert np.array_equal(read_stored(path).values, wanted)
    assert read_size(path).upright() == (wanted.shape[1], wanted.shape[0])
    if suffix != "tif":  # which Pillow itself turns
        assert np.array_equal(read_stored(path, upright=False).values, NOISE)
        assert read_picture(path, upright=False).shape == (3, 24, 30)
    assert read_unchanged(path)[1] == orientation


def test_an_unknown_turn_is_none(tmp_path):
    assert read_size(with_tag(tmp_path / "a.png", NOISE, 99)).orientation == 1


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize("name", ["a.eps", "a.png", "a.jpg"])
def test_no_format_that_starts_a_program_is_opened(tmp_path, name):
    (tmp_path / name).write_bytes(POSTSCRIPT)
    for read in (read_picture, read_stored, read_unchanged, read_size):
        with pytest.raises(BadInput, match="is not an image that can be read here"):
            read(tmp_path / name)


@pytest.mark.parametrize("kind", ["PCX", "ICO", "TGA", "PDF", "SGI"])
def test_formats_that_are_no_photographs_are_refused(tmp_path, kind):
    Image.fromarray(NOISE).save(tmp_path / "a.png", format=kind)
    with pytest.raises(BadInput, match="is not an image"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "PPM", "WEBP", "JPEG", "MPO"])
def test_the_formats_that_are_meant(tmp_path, kind):
    Image.new("RGB", (20, 10), (255, 0, 0)).save(tmp_path / "a", format=kind)
    assert torch.allclose(read_picture(tmp_path / "a")[:, 5, 5], torch.tensor([1.0, 0, 0]), atol=0.02)


def test_integers_of_32_bits_count_in_the_range_they_use(tmp_path):
    for white in (255, 65535):
        Image.fromarray(np.array([[0, white]], np.int32)).save(tmp_path / "a.tif")
        assert read_picture(tmp_path / "a.tif").tolist() == [[[0, 1]]]
    for values in ([[0, 70_000]], [[-1, 5]]):
        Image.fromarray(np.array(values, np.int32)).save(tmp_path / "a.tif")
        with pytest.raises(BadInput, match="holds numbers from"):
            read_picture(tmp_path / "a.tif")


def test_a_transparent_grey_of_16_bits(tmp_path):
    key = struct.pack(">H", 7)
    chunk = struct.pack(">I", 2) + b"tRNS" + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))
    planes = read_picture(png(tmp_path / "a.png", np.array([[[7], [65535]]]), 0, chunks=chunk))
    assert planes[3].tolist() == [[0, 1]]
    assert planes[0, 0, 1] == 1


def test_premultiplied_grey(tmp_path):
    from recon_lib.views.image_files import _colored

    assert _colored(Image.new("La", (4, 4))).mode == "RGBA"


@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_reduction_keeps_means_and_lets_nothing_transparent_bleed(tmp_path, mode):
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, :, 0] = 255  # red under everything, but transparent black on the right
    pixels[:, 30:] = 0
    pixels[:, :30, 3] = 255
    picture = Image.fromarray(pixels)
    if mode == "I;16":
        picture = Image.fromarray(pixels[..., 3].astype(np.uint16) * 257)
    picture.save(tmp_path / "a.png")
    planes = read_picture(tmp_path / "a.png", 7)
    assert planes.shape[-2:] == (5, 7)
    assert planes[-1].mean() == pytest.approx(0.5, abs=0.02)
    if mode == "RGBA":
        assert planes[0][planes[3] > 0.05].min() > 0.97


def test_resampling_of_planes_weighs_colours_by_alpha():
    planes = torch.zeros(4, 4, 4)
    planes[[0, 3], :, :1] = 1
    made = resampled(planes, 2, 2)
    assert made[0, 0, 0] == pytest.approx(1)
    assert 0.2 < made[3, 0, 0] < 0.6
    assert resampled(planes, 4, 4) is planes
    assert resampled(planes[:1], 2, 2).shape == (1, 2, 2)


def test_sizes_are_reduced_by_one_factor():
    assert reduced_size(400, 300, 100) == (100, 75)
    assert reduced_size(40, 30, 100) == (40, 30)
    assert reduced_size(4000, 1, 10) == (10, 1)


class TestMeasuring:
    def test_grey_palettes_and_bits_are_exact(self, tmp_path):
        grey = NOISE[..., 0]
        Image.fromarray(grey).save(tmp_path / "a.png")
        assert torch.equal(read_unchanged(tmp_path / "a.png")[0][2], torch.from_numpy(grey / np.float32(255)))
        Image.fromarray(grey.astype(np.uint16) * 200).save(tmp_path / "b.png")
        assert float(read_unchanged(tmp_path / "b.png")[0].max()) == pytest.approx(int(grey.max()) * 200 / 65535)
        Image.fromarray((grey > 99).astype(np.uint8), mode="P").save(tmp_path / "c.png")
        assert read_unchanged(tmp_path / "c.png")[0].shape == (3, 24, 30)

    def test_nothing_is_reduced(self, tmp_path):
        Image.new("L", (3000, 20)).save(tmp_path / "a.png")
        assert read_unchanged(tmp_path / "a.png")[0].shape == (3, 20, 3000)

    def test_an_opaque_alpha_is_no_obstacle(self, tmp_path):
        Image.fromarray(np.dstack([NOISE, NOISE[..., 0] * 0 + 255])).save(tmp_path / "a.png")
        assert torch.equal(read_unchanged(tmp_path / "a.png")[0], read_picture(tmp_path / "a.png")[:3])

    def test_refuses_what_has_no_one_value_for_a_pixel(self, tmp_path):
        path = tmp_path / "a.png"
        Image.fromarray(np.dstack([NOISE, NOISE[..., 0]])).save(path)
        with pytest.raises(BadInput, match="transparent parts"):
            read_unchanged(path)
        png(path, np.zeros((4, 4, 3)), 2)
        with pytest.raises(BadInput, match="16 bits per channel"):
            read_unchanged(path)
        Image.new("CMYK", (20, 20)).save(tmp_path / "a.jpg")
        with pytest.raises(BadInput, match="stores its colours as CMYK"):
            read_unchanged(tmp_path / "a.jpg")
        Image.fromarray(np.full((20, 20), 1.5, np.float32)).save(tmp_path / "a.tif")
        with pytest.raises(BadInput, match="outside 0-1"):
            read_unchanged(tmp_path / "a.tif")
        frames = [Image.new("L", (20, 20), value) for value in (0, 99)]
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
        with pytest.raises(BadInput, match="holds 2 pictures"):
            read_unchanged(tmp_path / "a.gif")


def test_pictures_that_memory_does_not_hold(tmp_path, monkeypatch):
    Image.fromarray(NOISE).save(tmp_path / "a.png")

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("recon_lib.views.image_files._array", full)
    with pytest.raises(BadInput, match="too many pixels"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\0.png", "a\ud800.png", "none.png"])
def test_names_that_no_file_has(tmp_path, name):
    with pytest.raises(BadInput):
        read_picture(tmp_path / name)


def test_damage_anywhere_is_a_sentence(tmp_path, caplog):
    """Every tenth byte of small files changed, and every length."""
    rng = np.random.default_rng(1)
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        Image.fromarray(NOISE).save(tmp_path / "a", format=kind)
        content = (tmp_path / "a").read_bytes()
        for at in range(0, len(content), max(10, len(content) // 60)):
            changed = bytearray(content)
            changed[at] = rng.integers(256)
            for broken in (bytes(changed), content[:at]):
                (tmp_path / "b").write_bytes(broken)
                for read in (read_picture, read_stored, read_unchanged, read_size):
                    with caplog.at_level(logging.CRITICAL), contextlib.suppress(BadInput):
                        read(tmp_path / "b")
