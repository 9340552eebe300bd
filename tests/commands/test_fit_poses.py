"""Photos without cameras reach the posing stages with what is known of them."""

from dataclasses import replace
from types import SimpleNamespace

import torch
from PIL import Image

from recon_lib.commands.fit_poses import pose_by_colmap, pose_on_turntable
from recon_lib.progress import Progress
from recon_lib.stages.posing import colmap, turntable
from recon_lib.stages.single_view import mask
from recon_lib.weights import registry
from tests.helpers.camera_files import pictures
from tests.helpers.posed import around, posed, sphere

VIEWS = posed(sphere(), around(3, 16))


def test_colmap_gets_masks_only_if_all_photos_have_one(tmp_path, monkeypatch):
    seen = []

    def pose_photos(images, masks, **options):
        seen.append((images.shape, masks, options))
        return SimpleNamespace(views=VIEWS[:2])

    monkeypatch.setattr(colmap, "pose_photos", pose_photos)
    pictures(tmp_path)
    loaded = pose_by_colmap(tmp_path, 64, 5, Progress())
    assert loaded.masked.tolist() == [False, False]
    assert loaded.format == "colmap"
    (shape, masks, options) = seen[0]
    assert (shape, masks, options["seed"], options["focal"]) == ((3, 3, 32, 48), None, 5, None)
    (tmp_path / "masks").mkdir()
    for i in range(3):
        picture = Image.new("L", (48, 32), 0)
        picture.paste(255, (9, 9, 30, 20))
        picture.save(tmp_path / "masks" / f"{i}.png")
    assert pose_by_colmap(tmp_path, 64, 5, Progress()).masked.tolist() == [True, True]
    assert seen[1][1].sum() == 3 * 21 * 11


def test_a_turntable_gets_masks_that_were_found(tmp_path, monkeypatch):
    seen = {}

    def turntable_views(images, masks, **options):
        seen.update(options, masks=masks)
        return replace(VIEWS)

    def segment(model, images, progress):
        return mask.Segmentation(torch.full((len(images), 1, 32, 48), 0.25), torch.zeros(1))

    monkeypatch.setattr(turntable, "turntable_views", turntable_views)
    monkeypatch.setattr(mask, "segment", segment)
    monkeypatch.setattr(registry, "load_model", lambda name: name)
    pictures(tmp_path)
    loaded = pose_on_turntable(tmp_path, 64, 3, Progress())
    assert loaded.masked.all()
    assert (seen["seed"], seen["masks"].unique().tolist()) == (3, [0.25])
