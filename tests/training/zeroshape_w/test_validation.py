from dataclasses import replace

import pytest
import torch

from recon_lib.errors import Interrupted
from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW
from recon_lib.training.zeroshape_w import validation
from recon_lib.training.zeroshape_w.dataset import SceneDataset
from recon_lib.training.zeroshape_w.settings import TrainSettings
from recon_lib.training.zeroshape_w.validation import _batches, _iou, validate
from tests.helpers.tiny_shards import write_ellipsoids


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = write_ellipsoids(tmp_path_factory.mktemp("validation"))
    return TrainSettings(folder, folder / "out", validation=folder)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ZeroShapeW(MINI).eval().requires_grad_(False)


def test_iou_is_the_mean_over_images():
    predicted = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]).bool()
    true = torch.tensor([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]).bool()
    assert float(_iou(predicted, true)) == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert float(_iou(predicted.reshape(3, 1, 2, 2), true.reshape(3, 1, 2, 2))) == pytest.approx(4 / 9)


def test_the_last_batch_is_what_is_left(settings):
    sizes = [len(batch["image"]) for batch in _batches(SceneDataset(settings.validation, 19, size=16, queries=8))]
    assert sizes == [16, 3]


def test_figures_of_both_kinds_of_scenes(settings, model, monkeypatch):
    monkeypatch.setattr(validation, "SCENES", 2)
    figures = validate(model, settings)
    names = {"occupancy_iou", "mask_iou", "occupancy", "relief", "normals", "thickness", "camera"}
    expected = {f"{kind}_{name}" for kind in ("clean", "occluded") for name in names} | {"occluded_occluder_iou"}
    assert set(figures) == expected
    assert all(0 <= value <= 1 for name, value in figures.items() if name.endswith("iou"))
    assert all(0 < value < 10 for name, value in figures.items() if not name.endswith("iou"))
    assert validate(model, settings) == figures  # fixed scenes


def test_scenes_are_those_that_training_never_reaches(settings, model, monkeypatch):
    options_seen = []

    class Recorded(SceneDataset):
        def __init__(self, shards, length, **options):
            options_seen.append((options["first"], options["mix"], options["close_mix"], options["period"], length))
            super().__init__(shards, length, **options)

    monkeypatch.setattr(validation, "SceneDataset", Recorded)
    monkeypatch.setattr(validation, "SCENES", 1)
    validate(model, replace(settings))
    (first, clean, clean_close, *counts), (again, occluded, occluded_close, *other_counts) = options_seen
    assert first == again == 900_000_000 and counts == other_counts == [2, 2]  # whole pictures and crops take turns
    assert (clean_close, occluded_close) == (replace(clean, close=True), replace(occluded, close=True))
    assert (clean.clean, occluded.clean, occluded.occluded, occluded.truncated) == (1.0, 0.0, 1.0, 0.0)


def test_masks_are_measured_on_whole_pictures_and_shapes_with_input_masks(settings, model, monkeypatch):
    monkeypatch.setattr(validation, "SCENES", 2)
    input_masks, losses, prediction = [], validation.zeroshape_w_losses, model.predict_dense
    monkeypatch.setattr(
        model, "predict_dense", lambda image, masks=None: input_masks.append(masks) or prediction(image, masks=masks)
    )
    shaped = []
    monkeypatch.setattr(validation, "zeroshape_w_losses", lambda m, batch: shaped.append(batch) or losses(m, batch))
    validate(model, settings)
    assert [masks is None for masks in input_masks] == [False, True] * 2
    for batch, masks in zip(shaped, input_masks[::2], strict=True):
        assert len(batch["image"]) == 2 and masks[:, 0].flatten(1).any(1).all()
        assert torch.equal(masks, batch["input_masks"])


def test_it_can_be_stopped(settings, model):
    def stop():
        raise Interrupted

    with pytest.raises(Interrupted):
        validate(model, settings, stop)
