"""Colour profiles: wide-gamut pictures in sRGB, others untouched."""

import logging
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from recon_lib.views.color_profiles import in_srgb
from recon_lib.views.image_files import read_picture, read_unchanged

# CIE XYZ (D50) of the primaries, columns r, g, b: Display P3 and sRGB, both after Bradford adaptation
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
GAMMA = 2.0


def matrix_profile(primaries: np.ndarray, gamma: float = GAMMA) -> bytes:
    """A version 2 display profile of three primaries and one gamma."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def text(value: bytes) -> bytes:
        return b"desc" + bytes(4) + struct.pack(">I", len(value) + 1) + value + bytes(1 + 78)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": text(b"Wide"), b"cprt": b"text" + bytes(4) + b"none\0"}
    tags[b"wtpt"] = b"XYZ " + bytes(4) + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True):
        tags[name] = b"XYZ " + bytes(4) + b"".join(map(fixed, column))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    rest = struct.pack(">I", len(tags)) + table + body
    head = struct.pack(">I4sI4s4s4s", 128 + len(rest), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return head + bytes(128 - len(head)) + rest


def srgb_of(values: np.ndarray, primaries: np.ndarray) -> np.ndarray:
    """Display values 0-1 [...,3] of the profile as sRGB 0-1."""
    linear = (np.linalg.inv(SRGB) @ primaries @ (values[..., None] ** GAMMA))[..., 0].clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.fixture
def colors() -> np.ndarray:
    return np.random.default_rng(3).integers(60, 200, (6, 7, 3), np.uint8)


class TestInSrgb:
    def test_wide_colours_become_their_srgb(self, colors):
        made = np.asarray(in_srgb(Image.fromarray(colors), matrix_profile(P3), "x.jpg")) / 255
        expected = srgb_of(colors / 255, P3)
        inside = ((expected > 0.02) & (expected < 0.98)).all(-1)
        assert inside.any() and np.abs(made - expected)[inside].max() < 0.012
        assert np.abs(expected - colors / 255).max() > 0.05  # there was something to do

    def test_alpha_stays(self, colors):
        alpha = np.arange(42, dtype=np.uint8).reshape(6, 7, 1)
        made = in_srgb(Image.fromarray(np.concatenate([colors, alpha], -1)), matrix_profile(P3), "x.png")
        assert made.mode == "RGBA" and (np.asarray(made)[..., 3:] == alpha).all()

    @pytest.mark.parametrize("profile", [None, b"", b"short", bytes(200), "text of a TIFF tag", (300, 301), 7])
    def test_nothing_to_go_by_changes_nothing(self, colors, profile):
        picture = Image.fromarray(colors)
        assert in_srgb(picture, profile, "x.png") is picture

    def test_srgb_itself_and_profiles_of_other_pictures_change_nothing(self, colors):
        own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        picture, grey = Image.fromarray(colors), Image.fromarray(colors[..., 0])
        assert in_srgb(picture, own, "x.png") is picture
        assert in_srgb(grey, matrix_profile(P3), "x.png") is grey

    def test_a_damaged_profile_is_told_and_not_used(self, colors, caplog):
        picture = Image.fromarray(colors)
        with caplog.at_level(logging.WARNING, "recon3d"):
            assert in_srgb(picture, matrix_profile(P3)[:150], "holiday.jpg") is picture
        assert "holiday.jpg" in caplog.text


class TestFiles:
    def saved(self, folder, colors, ending):
        path = folder / f"p3.{ending}"
        Image.fromarray(colors).save(
            path, icc_profile=matrix_profile(P3), **({"lossless": True} if ending == "webp" else {})
        )
        return path

    @pytest.mark.parametrize("ending", ["png", "tif", "webp"])
    def test_pictures_are_read_in_srgb(self, tmp_path, colors, ending):
        found = read_picture(self.saved(tmp_path, colors, ending)).movedim(0, -1).numpy()
        expected = srgb_of(colors / 255, P3)
        inside = ((expected > 0.02) & (expected < 0.98)).all(-1)
        assert np.abs(found - expected)[inside].max() < 0.012

    def test_measuring_changes_nothing(self, tmp_path, colors):
        found = read_unchanged(self.saved(tmp_path, colors, "png"))[0]
        assert (found.movedim(0, -1).numpy() * 255).round().astype(np.uint8).tolist() == colors.tolist()
