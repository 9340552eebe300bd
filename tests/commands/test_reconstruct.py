import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from recon_lib.cameras.camera import Cameras
from recon_lib.cli import main
from recon_lib.commands import reconstruct as command
from recon_lib.errors import Interrupted
from recon_lib.meshes.mesh import Mesh
from recon_lib.systems.options import Options
from recon_lib.systems.reconstruction import Reconstruction
from recon_lib.views.views import Views
from recon_lib.weights.card import ModelCard
from recon_lib.weights.registry import LoadedModel, find_models

HEIGHT, WIDTH = 40, 60


def octahedron() -> Mesh:
    corners = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]]).float()
    faces = [[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]]
    return Mesh(corners, torch.tensor(faces), vertex_colors=torch.rand(6, 3))


def answer(image: torch.Tensor) -> Reconstruction:
    """What a system returns, with an octahedron for the shape."""
    camera = Cameras.orbit(0, 0, 3, 40, *image.shape[-2:])
    layer = torch.zeros(1, 1, *image.shape[-2:])
    normals = F.pad(layer, (0, 0, 0, 0, 2, 0))
    views = Views(image, camera, layer + 1, depth=layer + 3, normals=normals)
    surface = SimpleNamespace(views=views, occluder=layer)
    return Reconstruction(octahedron(), views, None, {"regress": 0.5}, {"share": 0.03}, surface)


@pytest.fixture
def calls(monkeypatch) -> list[dict]:
    """A stand-in for the method; the list holds the arguments of each call to it."""
    seen: list[dict] = []

    def reconstruct(image, model, **options):
        seen.append({"image": image, **options})
        return answer(image)

    use(monkeypatch, reconstruct)
    return seen


def use(monkeypatch, function) -> None:
    module = ModuleType("recon_lib.systems.zeroshape_w")
    module.reconstruct = function
    monkeypatch.setitem(sys.modules, module.__name__, module)
    card = ModelCard("stand-in", "zeroshape-w", Path("stand-in.safetensors"), sha256="0" * 64)
    monkeypatch.setattr(command, "_load", lambda system, name: LoadedModel(torch.nn.Identity(), card))


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(path)
    return path


def test_depth_and_lens_are_handed_on(calls, photo, tmp_path):
    depth = np.full((HEIGHT, WIDTH), 2.5)
    depth[0] = 3.5  # what is the same everywhere says nothing, and is refused
    np.save(tmp_path / "d.npy", depth)
    out = ["-o", str(tmp_path / "out.glb")]
    assert main(["reconstruct", str(photo), *out, "--depth", str(tmp_path / "d.npy"), "--fov", "50"]) == 0
    assert calls[0]["depth"].unique().tolist() == [2.5, 3.5]
    assert float(calls[0]["cameras"].vertical_fov) == pytest.approx(50, rel=1e-4)
    (tmp_path / "c.json").write_text('{"fl_x": 70}')
    assert main(["reconstruct", str(photo), *out, "--camera", str(tmp_path / "c.json")]) == 0
    assert float(calls[1]["cameras"].intrinsics[0, 0, 0]) == 70 and calls[1]["depth"] is None
    assert main(["reconstruct", str(photo), *out]) == 0
    assert calls[2]["cameras"] is None


def test_the_exif_tells_the_lens(calls, tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 50
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "photo.jpg", exif=exif)
    assert main(["reconstruct", str(tmp_path / "photo.jpg"), "-o", str(tmp_path / "out.glb")]) == 0
    diagonal = (HEIGHT**2 + WIDTH**2) ** 0.5
    assert float(calls[0]["cameras"].intrinsics[0, 0, 0]) == pytest.approx(50 / 43.267 * diagonal, rel=1e-4)


def test_mesh_report_and_sheet_are_written(calls, photo, tmp_path, capsys):
    out = tmp_path / "new" / "out.glb"
    names = ["--report", str(tmp_path / "r.json"), "--preview", str(tmp_path / "sheet.png")]
    assert main(["reconstruct", str(photo), "--system", "zeroshape-w", "-o", str(out), *names]) == 0
    assert out.read_bytes()[:4] == b"glTF"
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["camera"]["vertical_fov_degrees"] == pytest.approx(40, abs=1e-3)
    assert report["camera"]["camera_to_world"][2][3] == pytest.approx(3)
    assert report["seconds"] == {"regress": 0.5}
    assert report["model"]["name"] == "stand-in"
    assert report["mesh"]["faces"] == 8
    assert Image.open(tmp_path / "sheet.png").size[0] > 4 * 256
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("out.glb: 2 x 2 x 2 units, watertight") and line.endswith(f"in {out.parent}")


def test_options_reach_the_method(calls, photo, tmp_path):
    options = ["--seed", "7", "--resolution", "64", "--texture-size", "128", "--device", "cpu"]
    assert main(["reconstruct", str(photo), "-o", str(tmp_path / "o.glb"), *options]) == 0
    (call,) = calls
    assert call["options"] == Options(resolution=64, texture_size=128, seed=7) and call["device"] == "cpu"
    assert call["image"].shape == (1, 3, HEIGHT, WIDTH)
    assert call["mask"] is None


def test_mask_file_and_see_through_background_are_masks(calls, photo, tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:30, 20:40] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(np.dstack([mask] * 4)).save(tmp_path / "cut.png")
    main(["reconstruct", str(photo), "-o", str(tmp_path / "o.glb"), "--mask", str(tmp_path / "mask.png")])
    main(["reconstruct", str(tmp_path / "cut.png"), "-o", str(tmp_path / "o.glb")])
    for call in calls:
        assert torch.equal(call["mask"][0, 0], torch.from_numpy(mask / 255).float())


@pytest.mark.parametrize(("error", "code"), [(Interrupted(), 130), (KeyboardInterrupt(), 130), (MemoryError(), 1)])
def test_nothing_is_left_when_the_method_stops(monkeypatch, photo, tmp_path, error, code):
    def stop(image, model, **options):
        raise error

    use(monkeypatch, stop)
    arguments = ["-o", str(tmp_path / "o.glb"), "--report", str(tmp_path / "r.json")]
    assert main(["reconstruct", str(photo), *arguments]) == code
    assert [p.name for p in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.skipif(not find_models(), reason="no model is embedded yet")
def test_shipped_photo_with_the_embedded_model(repo_root, tmp_path):
    """The promise of `make demo`, coarser."""
    options = ["-o", str(tmp_path / "o.glb"), "--resolution", "64", "--texture-size", "256", "--preview"]
    photo = repo_root / "assets" / "photos" / "coffee_cup.jpg"
    ended = subprocess.run(
        [sys.executable, "-m", "recon_lib", "reconstruct", str(photo), *options, str(tmp_path / "sheet.png")],
        cwd=repo_root, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("o.glb: ") and ended.stdout.count("\n") == 1
    assert (tmp_path / "o.glb").stat().st_size > 10_000
    assert (tmp_path / "sheet.png").is_file()
