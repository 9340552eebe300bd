from pathlib import Path

import pytest
import torch

from recon_lib.data.shards import sheet
from tests.helpers.tiny_shards import write_ellipsoids

SIZE = 48


@pytest.fixture
def calls(monkeypatch):
    """Solids and meshes are ellipsoids; the list holds the arguments of each call."""
    requests = []

    def render(folder, what, **options):
        requests.append((what, options))
        write_ellipsoids(folder)

    monkeypatch.setattr(sheet, "render_solids", render)
    monkeypatch.setattr(sheet, "render_meshes", lambda source, folder, **options: requests.append((source, options)))
    return requests


def test_a_row_a_sample_with_picture_masks_depth_and_normals(calls):
    picture = sheet.sample_sheet(3, seed=2, size=SIZE)
    assert picture.shape == (3, 3 * SIZE, 4 * SIZE)
    assert picture.min() >= 0 and picture.max() <= 1
    assert calls == [(range(2 * sheet.OBJECTS, 3 * sheet.OBJECTS), {"views": 2})]
    photo, masks, depth, normals = picture.split(SIZE, dim=2)
    for part in (depth, normals):
        black = (part == 0).all(0)
        assert 0.03 < black.float().mean() < 0.97
    torch.testing.assert_close((depth == 0).all(0), (normals == 0).all(0))
    assert (masks - photo).abs().mean() > 0.02


def test_the_seed_decides(calls):
    first, again, other = (sheet.sample_sheet(2, seed=seed, size=SIZE) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_meshes_join_when_a_folder_is_given(calls):
    sheet.sample_sheet(1, seed=4, meshes=Path("meshes"), size=SIZE)
    assert calls[1] == (Path("meshes"), {"views": 2, "seed": 4, "limit": sheet.OBJECTS})
