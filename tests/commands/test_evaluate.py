import json

import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.cli import main


@pytest.fixture
def meshes(tmp_path):
    """A unit sphere, and one of radius 0.9 a step aside."""
    from trimesh.creation import icosphere

    truth = icosphere(3)
    truth.export(tmp_path / "truth.ply")
    moved = truth.copy()
    moved.vertices = moved.vertices * 0.9 + [0.2, 0.0, 0.0]
    moved.export(tmp_path / "pred.obj")
    return tmp_path / "pred.obj", tmp_path / "truth.ply"


def call(capsys, *arguments):
    code = main(["evaluate", *map(str, arguments)])
    written = capsys.readouterr()
    return code, written.out, written.err


def test_figures_alone_go_to_stdout(meshes, capsys):
    code, out, err = call(capsys, *meshes, "--samples", 3000, "--json", "-")
    figures = json.loads(out)
    assert (code, err) == (0, "Comparing meshes\n")
    assert figures["align"] == "none"
    assert figures["samples"] == 3000
    assert 0.1 < figures["chamfer_unsquared"] < 0.2
    assert "seen" not in figures


def test_alignment_camera_file_and_error_mesh(meshes, tmp_path, capsys):
    from recon_lib.meshes.files.mesh_io import load_mesh

    view, result, shown = (tmp_path / name for name in ("view.json", "out.json", "error.ply"))
    view.write_text(json.dumps({"azimuth": 0, "distance": 4, "fov": 60, "height": 64, "width": 64}))
    options = ["--align", "scale", "--samples", 3000, "--seed", 3, "--camera", view]
    code, out, _ = call(capsys, *meshes, *options, "--json", result, "--error-mesh", shown)
    figures = json.loads(result.read_text())
    assert (code, out) == (0, "")
    undone = np.diag([1 / 0.9] * 3 + [1])
    undone[0, 3] = -0.2 / 0.9
    assert np.allclose(figures["alignment"], undone, atol=0.02)
    assert figures["volumetric_iou"] > 0.95
    assert figures["seen"]["share_of_truth"] == pytest.approx(0.375, abs=0.03)
    error = load_mesh(shown)
    assert error.vertices.abs().max() < 1.05  # the aligned prediction
    assert torch.equal(error.vertex_colors[:, 2] > error.vertex_colors[:, 0], torch.ones(len(error.vertices)).bool())


def test_images_are_compared_as_images(tmp_path, capsys):
    grey = np.full((40, 50, 3), 100, np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(grey + 51).save(tmp_path / "b.png")
    code, out, _ = call(capsys, tmp_path / "a.png", tmp_path / "b.png")
    assert code == 0
    assert json.loads(out)["psnr"] == pytest.approx(-20 * np.log10(0.2), abs=1e-3)


def test_bad_input_is_one_sentence_and_code_two(meshes, tmp_path, capsys):
    predicted, truth = meshes
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "b.png")
    image = tmp_path / "a.png"
    cases = {
        "no mesh file": [tmp_path / "none.ply", truth],
        "not of a known mesh format": [tmp_path / "view.json", truth],
        "compare like with like": [image, truth],
        "two of one size": [image, tmp_path / "b.png"],
        "are for meshes": [image, image, "--align", "scale"],
        "could not be read": [predicted, truth, "--camera", tmp_path / "none.json"],
        "does not end in .json": [predicted, truth, "--json", tmp_path / "out.txt"],
        "whole number from": [predicted, truth, "--samples", 5],
    }
    (tmp_path / "view.json").write_text("{}")
    before = sorted(path.name for path in tmp_path.iterdir())
    for sentence, arguments in cases.items():
        code, out, err = call(capsys, *arguments)
        assert (code, out) == (2, ""), sentence
        assert sentence in err
        assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_unknown_options_are_refused_before_any_work(meshes):
    with pytest.raises(SystemExit):
        main(["evaluate", *map(str, meshes), "--align", "affine"])


def test_images_are_measured_as_they_are_stored(tmp_path, capsys):
    """Neither reduced, nor laid over white, nor turned: the figures are those of the files' own pixels."""
    rng = np.random.default_rng(0)
    base = rng.integers(60, 190, (40, 2500, 3))
    noisy = [np.clip(base + rng.normal(0, 25, base.shape), 0, 255).astype(np.uint8) for _ in range(2)]
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, pixels in zip("ab", noisy, strict=True):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        Image.fromarray(pixels).save(tmp_path / f"{name}_turned.png", exif=exif)
    true_psnr = -10 * np.log10(((noisy[0] / 255.0 - noisy[1] / 255.0) ** 2).mean())
    for ending in (".png", "_turned.png"):
        code, out, _ = call(capsys, tmp_path / f"a{ending}", tmp_path / f"b{ending}")
        figures = json.loads(out)
        assert code == 0
        assert figures["psnr"] == pytest.approx(true_psnr, abs=1e-4)
        assert (figures["width"], figures["height"]) == (2500, 40)


def test_pairs_that_have_no_one_answer_are_refused(tmp_path, capsys):
    pixels = np.full((40, 40, 4), 100, np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    Image.fromarray(pixels[..., :3]).save(tmp_path / "plain.png")
    Image.fromarray(pixels[..., :3]).save(tmp_path / "turned.png", exif=exif)
    for name, sentence in {"clear.png": "transparent parts", "turned.png": "turned by its EXIF tag"}.items():
        code, out, err = call(capsys, tmp_path / name, tmp_path / "plain.png")
        assert (code, out) == (2, "")
        assert sentence in err


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e38])
def test_figures_are_numbers_or_null_at_any_size(tmp_path, capsys, scale):
    """JSON has no NaN and no infinity."""
    from trimesh.creation import icosphere

    for name, factor in (("a.ply", 1.0), ("b.ply", 0.9)):
        ball = icosphere(1)
        ball.vertices = ball.vertices * scale * factor
        ball.export(tmp_path / name)
    code, out, err = call(capsys, tmp_path / "a.ply", tmp_path / "b.ply", "--samples", 200)
    assert code in (0, 2)
    if code == 0:
        assert json.loads(out, parse_constant=pytest.fail)["samples"] == 200
    else:
        assert err.removeprefix("Comparing meshes\n").count("\n") == 1
