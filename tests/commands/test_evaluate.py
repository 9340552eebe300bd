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


def test_figures_go_to_stdout_and_nothing_else(meshes, capsys):
    code, out, err = call(capsys, *meshes, "--samples", 3000, "--json", "-")
    figures = json.loads(out)
    assert (code, err) == (0, "")
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
