import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.mask_files import alpha_strength, is_cut_out, read_mask
from recon_lib.views.photo import load_mask, load_photo

Y, X = np.mgrid[:40, :60]
DISC = (X - 28) ** 2 + (Y - 19) ** 2 < 150
ONES = DISC.astype(np.uint8)


def palette(colors, mask=ONES, **options):
    picture = Image.fromarray(mask, mode="P")
    picture.putpalette([n for color in colors for n in color])
    return picture, options


def grey_palette():
    return palette([(i, i, i) for i in range(256)])


def image(values, **options):
    return Image.fromarray(values), options


def rgb(inside, outside=(0, 0, 0)):
    return np.where(DISC[..., None], inside, outside).astype(np.uint8)


def alpha(color, cut=ONES * 255):
    return np.dstack([np.broadcast_to(color, (40, 60, 3)), cut]).astype(np.uint8)


STORED = {
    "white": image(ONES * 255),
    "0 and 1": image(ONES),
    "0 and 2": image(ONES * 2),
    "1 and 2": image(ONES + 1),
    "254 and 255": image(ONES + 254),
    "128 and 0": image(ONES * 128),
    "one bit": (Image.fromarray(DISC), {}),
    "16 bits, 0 and 1": image(ONES.astype(np.uint16)),
    "16 bits": image(ONES.astype(np.uint16) * 65535),
    "16 bits, as depth in mm": image(ONES.astype(np.uint16) * 1500),
    "32 bits": (Image.fromarray(ONES.astype(np.int32) * 70_000), {"format": "TIFF"}),
    "floats": (Image.fromarray(ONES.astype(np.float32)), {"format": "TIFF"}),
    "floats in 0-255": (Image.fromarray(ONES.astype(np.float32) * 255), {"format": "TIFF"}),
    "floats and NaN": (Image.fromarray(np.where(DISC, 2.5, np.nan).astype(np.float32)), {"format": "TIFF"}),
    "dark green label": palette([(0, 0, 0), (0, 128, 0)]),
    "dark red label": palette([(0, 0, 0), (128, 0, 0)]),
    "palette of greys": grey_palette(),
    "palette the other way round": palette([(255, 255, 255), (0, 0, 0)], 1 - ONES),
    "palette of one colour": palette([(9, 9, 9), (9, 9, 9)]),
    "transparent palette entry": palette([(0, 0, 0), (0, 0, 0)], transparency=0),
    "red": image(rgb((255, 0, 0))),
    "only the blue channel": image(rgb((0, 0, 1))),
    "green on red": image(rgb((0, 255, 0), (255, 0, 0))),
    "white, opaque": image(np.dstack([rgb((255, 255, 255)), ONES * 0 + 255])),
    "white, equally transparent": image(np.dstack([rgb((255, 255, 255)), ONES * 0 + 128])),
    "alpha over white": image(alpha(255)),
    "alpha over black": image(alpha(0)),
    "alpha of 0 and 1": image(alpha(0, ONES)),
    "grey and alpha": (Image.fromarray(np.dstack([ONES * 0, ONES * 255]), mode="LA"), {}),
    "white with a rounded frame": image(alpha(0, ONES)[..., :3] * 0 + rgb((255, 255, 255))),
    "a grey that is transparent": image(ONES * 7 + 3, transparency=3),
    "a colour that is transparent": image(rgb((9, 9, 9), (3, 4, 5)), transparency=(3, 4, 5)),
}  # fmt: skip


@pytest.mark.parametrize("case", STORED)
def test_a_picture_of_two_values_is_a_mask(tmp_path, case):
    picture, options = STORED[case]
    path = tmp_path / ("mask.tif" if options.get("format") == "TIFF" else "mask.png")
    picture.save(path, **options)
    found = read_mask(path)
    assert torch.equal(found[0], torch.from_numpy(ONES).float())
    assert torch.equal(load_mask(path, 40, 60)[0], found)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40, 60), (1, 40, 60), (40, 60, 1)])
def test_arrays_are_masks(tmp_path, kind, shape):
    np.save(tmp_path / "mask.npy", DISC.astype(kind).reshape(shape))
    assert torch.equal(load_mask(tmp_path / "mask.npy", 40, 60)[0, 0], torch.from_numpy(ONES).float())


def test_arrays_of_other_shapes(tmp_path):
    np.save(tmp_path / "mask.npy", np.ones((2, 3, 4, 5)))
    with pytest.raises(BadInput, match="a mask is height x width"):
        read_mask(tmp_path / "mask.npy")
    np.save(tmp_path / "mask.npy", rgb((9, 0, 0)).astype(np.float64))
    assert torch.equal(read_mask(tmp_path / "mask.npy")[0], torch.from_numpy(ONES).float())


def test_soft_edges_stay(tmp_path):
    soft = np.clip((12.5 - np.hypot(X - 28, Y - 19)) / 3 + 0.5, 0, 1)
    for name, values in {
        "white.png": (soft * 255).round().astype(np.uint8),
        "half.png": (soft * 120).round().astype(np.uint8),
        "red.png": (soft[..., None] * (255, 0, 0)).round().astype(np.uint8),
        "deep.png": (soft * 65535).round().astype(np.uint16),
        "float.tif": soft.astype(np.float32),
    }.items():
        Image.fromarray(values).save(tmp_path / name)
        assert torch.allclose(read_mask(tmp_path / name)[0], torch.from_numpy(soft).float(), atol=0.005), name
    ramp = np.broadcast_to(np.arange(60, dtype=np.uint8) * 4, (40, 60))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    assert torch.allclose(read_mask(tmp_path / "ramp.png")[0], torch.from_numpy(ramp / 255).float())


def test_a_jpeg_of_a_mask(tmp_path):
    Image.fromarray(ONES * 255).save(tmp_path / "mask.jpg", quality=60)
    assert ((read_mask(tmp_path / "mask.jpg")[0] > 0.5).numpy() != DISC).mean() < 0.01


def test_noise_of_compression_is_no_mask(tmp_path):
    """A JPEG of an empty or a full mask holds a few values near black or white."""
    noise = np.random.default_rng(0).integers(0, 3, (40, 60, 3), dtype=np.uint8)
    for plane in (noise, noise[..., 0]):
        for base, marked in ((0, 0), (250, 1)):
            Image.fromarray(plane + np.uint8(base)).save(tmp_path / "mask.jpg", quality=95)
            assert (read_mask(tmp_path / "mask.jpg")[0] > 0.5).unique().tolist() == [bool(marked)]


def test_several_labels_are_told(tmp_path):
    labels = ONES + (X > 30)
    labels = labels.astype(np.uint8)
    Image.fromarray(labels).save(tmp_path / "labels.png")
    with pytest.raises(BadInput, match="holds numbers from 0 to 2"):
        read_mask(tmp_path / "labels.png")
    palette([(0, 0, 0), (128, 0, 0), (0, 128, 0)], labels)[0].save(tmp_path / "palette.png")
    with pytest.raises(BadInput, match="holds 3 labels"):
        read_mask(tmp_path / "palette.png")
    for values in (labels.astype(np.int32) * 99_999, labels.astype(np.int32) - 5):
        Image.fromarray(values).save(tmp_path / "labels.tif")
        with pytest.raises(BadInput, match="holds numbers"):
            read_mask(tmp_path / "labels.tif")


def test_one_value_is_everything_or_nothing(tmp_path):
    for value, marked in ((0, 0), (1, 1), (255, 1)):
        Image.fromarray(ONES * 0 + np.uint8(value)).save(tmp_path / "mask.png")
        assert read_mask(tmp_path / "mask.png").unique().tolist() == [marked]


# -- transparency -----------------------------------------------------------------------------------------

SIDE = 120
V, U = np.mgrid[:SIDE, :SIDE]
INSET = np.minimum(np.minimum(U, SIDE - 1 - U), np.minimum(V, SIDE - 1 - V))
FAR = np.hypot(U - SIDE / 2, V - SIDE / 2)


def rounded(radius):
    dx, dy = np.minimum(U, SIDE - 1 - U), np.minimum(V, SIDE - 1 - V)
    return ~((dx < radius) & (dy < radius) & (np.hypot(radius - dx, radius - dy) > radius)) * 1.0


RNG = np.random.default_rng(0)
NO_CUT_OUT = {
    "opaque": np.ones((SIDE, SIDE)),
    "rounded corners": rounded(12),
    "very round corners": rounded(26),
    "one corner": 1.0 - ((U < 20) & (V < 20)),
    "soft edge": np.clip(INSET / 2 + 0.25, 0, 1),
    "a margin": (INSET > 5) * 1.0,
    "a margin and rounded corners": np.pad(rounded(12)[5:-5, 5:-5], 5),
    "faint everywhere": np.full((SIDE, SIDE), 0.3),
    "a little noise": RNG.uniform(0.8, 1, (SIDE, SIDE)),
    "noise": RNG.uniform(0, 1, (SIDE, SIDE)),
    "salt": (RNG.uniform(0, 1, (SIDE, SIDE)) > 0.1) * 1.0,
    "a hole in the middle": (FAR > 30) * 1.0,
    "a line": (V > 0) * 1.0,
    "nothing": np.zeros((SIDE, SIDE)),
}
CUT_OUT = {
    "a disc": (FAR < 40) * 1.0,
    "a disc up to the edge": (FAR < 60) * 1.0,
    "a faint disc": (FAR < 40) * 0.3,
    "a soft disc": np.clip((45 - FAR) / 20, 0, 1),
    "a disc over faint surroundings": np.where(FAR < 40, 1.0, 0.1),
    "a disc over noise": np.where(FAR < 40, 1.0, RNG.uniform(0, 0.3, (SIDE, SIDE))),
    "a bust": ((np.abs(U - 60) < 35) & (V > 30)) * 1.0,
    "a small box": ((np.abs(U - 60) < 35) & (np.abs(V - 60) < 35)) * 1.0,
    "cut at three sides": (V > 50) * 1.0,
}


@pytest.mark.parametrize("case", NO_CUT_OUT)
def test_transparency_that_cuts_nothing_out(case):
    assert not is_cut_out(torch.from_numpy(NO_CUT_OUT[case]).float())


@pytest.mark.parametrize("case", CUT_OUT)
def test_transparency_that_cuts_an_object_out(case):
    assert is_cut_out(torch.from_numpy(CUT_OUT[case]).float())


def photo(path, plane):
    pixels = np.full((SIDE, SIDE, 4), 100, np.uint8)
    pixels[..., 3] = (plane * 255).round()
    Image.fromarray(pixels).save(path)
    return load_photo(path)


def test_a_photo_with_rounded_corners_is_whole(tmp_path, caplog):
    with caplog.at_level("INFO", "recon3d"):
        found = photo(tmp_path / "a.png", NO_CUT_OUT["rounded corners"])
    assert found.alpha is None
    assert "cuts no object out" in caplog.text


def test_a_faint_object_counts_in_full_and_its_feather_stays(tmp_path):
    found = photo(tmp_path / "a.png", CUT_OUT["a faint disc"])
    assert torch.equal(found.alpha[0, 0], torch.from_numpy((FAR < 40).astype(np.float32)))
    assert found.image[0, 0, 60, 60] == pytest.approx(100 / 255)
    soft = photo(tmp_path / "a.png", CUT_OUT["a soft disc"]).alpha
    assert torch.allclose(soft[0, 0], torch.from_numpy(CUT_OUT["a soft disc"]).float(), atol=0.01)
    assert photo(tmp_path / "a.png", NO_CUT_OUT["faint everywhere"]).image.unique().tolist() == [
        pytest.approx(100 / 255)
    ]


def test_the_strength_of_alpha():
    assert alpha_strength(torch.zeros(4, 4)) == 0
    assert alpha_strength(torch.full((4, 4), 0.4)) == pytest.approx(0.4)
    assert alpha_strength(torch.linspace(0, 1, 1001)) == pytest.approx(0.9, abs=0.01)
