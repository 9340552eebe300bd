"""How much memory loading takes, measured in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import json, resource, sys
import torch, PIL.Image, PIL.PngImagePlugin, kornia, numpy
torch.set_num_threads(1)
from recon_lib.views.posed_images import load_views
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
views = load_views(sys.argv[1], **json.loads(sys.argv[2]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"grown": (after - before) / 1024, "all": after / 1024, "shape": list(views.images.shape)}))
"""


def measured(folder, **options) -> dict:
    """Megabytes at the peak, with and without what importing takes, and the images' shape."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, folder, json.dumps(options)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def folder_of(folder, count, size, masks=True):
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 255, (size[1] // 50, size[0] // 50, 3), dtype=np.uint8))
    picture = small.resize(size)
    mask = Image.new("L", size, 0)
    mask.paste(1, (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    folder.mkdir(exist_ok=True)
    mask.save(folder / "mask.png")
    frames = []
    for i in range(count):
        name = f"{i:04d}.{'jpg' if i % 2 else 'png'}"
        if i < 2:
            picture.save(folder / name, **({} if i % 2 else {"compress_level": 1}))
        else:
            (folder / name).hardlink_to(folder / f"{i % 2:04d}.{'jpg' if i % 2 else 'png'}")
        frames.append({"file_path": name, "transform_matrix": np.eye(4).tolist(), "mask_path": "mask.png"})
    text = json.dumps({"fl_x": float(size[0]), "w": size[0], "h": size[1], "frames": frames})
    (folder / "transforms.json").write_text(text)
    return folder


@pytest.mark.slow
def test_eight_pictures_of_nine_megapixels_for_a_small_fit(tmp_path):
    folder = folder_of(tmp_path, 8, (3600, 2500))
    found = measured(folder, longest_side=64)
    assert found["shape"] == [8, 3, 44, 64]
    assert found["all"] < 1000
    assert found["grown"] < 300


@pytest.mark.slow
def test_two_thousand_pictures(tmp_path):
    found = measured(folder_of(tmp_path, 2000, (800, 600)), max_bytes=1 << 28)
    assert found["shape"] == [2000, 3, 79, 105]
    assert found["grown"] < 450
