"""What users get wrong: each case has its one sentence, and nothing half-written stays behind.

Cases of one room stand in that room's tests too where they need its details; here is the whole catalogue, told the
way a user meets it: through files and the command line.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from recon_lib.cli import main
from recon_lib.errors import BadInput
from recon_lib.views.photo import load_mask, load_photo
from recon_lib.views.prepare import prepare_image, prepare_mask

SIDE = 64


def picture(path: Path, pixels: np.ndarray | None = None, **options) -> Path:
    """A square with a bright disc, or the pixels given."""
    if pixels is None:
        at = np.arange(SIDE) - SIDE / 2 + 0.5
        pixels = (np.hypot(at[:, None], at) < SIDE / 4).astype(np.uint8) * 200
        pixels = np.dstack([pixels] * 3)
    Image.fromarray(pixels).save(path, **options)
    return path


def grey(value: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def cut(path: Path, kept: float) -> Path:
    content = path.read_bytes()
    return written(path, content[: int(len(content) * kept)])


PHOTOS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda f: f / "photo.png", "There is no image file"),
    "a folder": (lambda f: f, "There is no image file"),
    "empty file": (lambda f: written(f / "photo.png", b""), "is not an image"),
    "text": (lambda f: written(f / "photo.jpg", b"not a photo at all"), "is not an image"),
    "truncated PNG": (lambda f: cut(picture(f / "photo.png"), 0.5), "damaged or truncated"),
    "truncated JPEG": (lambda f: cut(picture(f / "photo.jpg"), 0.6), "damaged or truncated"),
    "one pixel": (lambda f: picture(f / "photo.png", grey(9, 1, 1)), "1x1 pixels"),
    "a line": (lambda f: picture(f / "photo.png", grey(9, 2, 400)), "400x2 pixels"),
    "fully transparent": (
        lambda f: picture(f / "photo.png", np.zeros((SIDE, SIDE, 4), np.uint8)),
        "fully transparent",
    ),
    "float TIFF in 0-255": (
        lambda f: picture(f / "photo.tif", np.full((SIDE, SIDE), 200, np.float32)),
        "0 to 1 is needed",
    ),
    "NaN TIFF": (lambda f: picture(f / "photo.tif", np.full((SIDE, SIDE), np.nan, np.float32)), "NaN"),
}

MASKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda f: f / "mask.png", "There is no image file"),
    "empty": (lambda f: picture(f / "mask.png", grey(0)), "mask is empty"),
    "full": (lambda f: picture(f / "mask.png", grey(255)), "covers the whole picture"),
    "of another photo": (lambda f: picture(f / "mask.png", grey(255, 30, 90)), "made from this image"),
    "truncated": (lambda f: cut(picture(f / "mask.png"), 0.5), "damaged or truncated"),
    "text": (lambda f: written(f / "mask.png", b"white"), "is not an image"),
}


def one_sentence(text: str) -> bool:
    """A capital or a name first, a full stop last, no line break, no traceback."""
    return text.endswith(".") and "\n" not in text and "Traceback" not in text


@pytest.mark.parametrize("case", PHOTOS)
def test_photo(tmp_path, case):
    make, sentence = PHOTOS[case]
    with pytest.raises(BadInput, match=sentence) as caught:
        load_photo(make(tmp_path))
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize("case", MASKS)
def test_mask(tmp_path, case):
    make, sentence = MASKS[case]
    with pytest.raises(BadInput, match=sentence) as caught:
        load_mask(make(tmp_path), SIDE, SIDE)
    assert one_sentence(str(caught.value))


def test_absurdly_large_photo(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow refuses at twice that
    with pytest.raises(BadInput, match="too many pixels"):
        load_photo(picture(tmp_path / "bomb.png"))


TENSORS: dict[str, tuple[Callable[[], object], str]] = {
    "no image": (lambda: prepare_image(torch.zeros(0, 3, SIDE, SIDE)), "batch is empty"),
    "NaN image": (lambda: prepare_image(torch.full((1, 3, SIDE, SIDE), torch.nan)), "NaN"),
    "infinite image": (lambda: prepare_image(torch.full((1, 3, SIDE, SIDE), torch.inf)), "NaN or infinite"),
    "bytes as floats": (lambda: prepare_image(torch.full((1, 3, SIDE, SIDE), 255.0)), "0 to 1"),
    "two channels": (lambda: prepare_image(torch.zeros(1, 2, SIDE, SIDE)), "channels"),
    "no tensor": (lambda: prepare_image([[0.0]]), "list"),
    "NaN mask": (lambda: prepare_mask(torch.full((SIDE, SIDE), torch.nan), 1, SIDE, SIDE), "NaN"),
    "2 masks, 5 images": (lambda: prepare_mask(torch.rand(2, SIDE, SIDE), 5, SIDE, SIDE), "2 masks for 5 images"),
    "mask without pixels": (lambda: prepare_mask(torch.zeros(1, 0, 0), 1, SIDE, SIDE), "no pixels"),
    "colour mask": (lambda: prepare_mask(torch.zeros(1, 3, SIDE, SIDE), 1, SIDE, SIDE), "is needed"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensor(case):
    call, sentence = TENSORS[case]
    with pytest.raises(BadInput, match=sentence) as caught:
        call()
    assert one_sentence(str(caught.value))


def model(path: Path, **card) -> Path:
    save_file({"stray": torch.zeros(1)}, str(path))
    card = {"system": "zeroshape-w", "licence": "CC0-1.0", "config": {}, **card}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


COMMANDS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "photo missing": (lambda f: ["none.png", "-o", str(f / "o.glb")], "There is no image file"),
    "unknown output format": (lambda f: ["PHOTO", "-o", str(f / "o.max")], r"o\.max does not end in"),
    "output is a folder": (lambda f: ["PHOTO", "-o", str(folder(f / "o.glb"))], "is a folder"),
    "output under a file": (lambda f: ["PHOTO", "-o", str(written(f / "x", b"") / "o.glb")], "choose another folder"),
    "report no JSON": (lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--report", str(f / "r.txt")], "does not end in"),
    "preview no picture": (lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--preview", str(f / "p.gif")], "end in"),
    "no such device": (lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--device", "abacus"], "'abacus' is not available"),
    "unknown model": (lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--model", "zebra"], "no model 'zebra'"),
    "pickled model": (
        lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--model", str(written(f / "m.ckpt", b"\x80"))],
        "can run code",
    ),
    "model without card": (
        lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--model", str(written(f / "m.safetensors", b"{}"))],
        "has no card",
    ),
    "truncated model": (
        lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--model", str(cut(model(f / "m.safetensors"), 0.5))],
        "truncated or no safetensors",
    ),
    "mask empty": (
        lambda f: ["PHOTO", "-o", str(f / "o.glb"), "--mask", str(picture(f / "m.png", grey(0)))],
        "mask is empty",
    ),
}


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("case", COMMANDS)
def test_reconstruct_command(tmp_path, capsys, case):
    make, sentence = COMMANDS[case]
    photo = picture(tmp_path / "photo.png")
    arguments = [str(photo) if word == "PHOTO" else word for word in make(tmp_path)]
    before = sorted(p.name for p in tmp_path.rglob("*"))
    assert main(["reconstruct", *arguments]) == 2
    captured = capsys.readouterr()
    assert re.search(sentence, captured.err)
    assert one_sentence(captured.err.strip())
    assert not captured.out
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("height", "width", "seconds"), [(2000, 3000, 12), pytest.param(4320, 7680, 60, marks=pytest.mark.slow)]
)
def test_a_large_photo_is_no_hindrance(height, width, seconds):
    """Processor time, not the clock: other programs may be running."""
    import time

    from recon_lib.stages.single_view.mask import segment
    from tests.helpers.oracle import disk_picture, oracle_model, overlap

    image, true = disk_picture(height, width, (width / 2.4, height / 1.9), height / 3)
    started = time.process_time()
    found = segment(oracle_model(), image)
    assert time.process_time() - started < seconds
    assert overlap(found.object, true) > 0.99
