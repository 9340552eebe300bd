import pytest
import torch

from tests.helpers import list_oracle


@pytest.fixture
def inputs(pack):
    """The pack's own classes, and the oracle in its model."""
    image, mask = list_oracle.photo(48)
    model = list_oracle.list_model()
    own = pack.lib("weights.registry").LoadedModel(model.module, model.card)
    return {"model": own, "image": image.movedim(1, -1), "mask": mask[:, 0]}


def test_from_photo_to_field(pack, inputs):
    points, preview = pack.run("Recon3D_CoarsePoints", **inputs).result
    assert points.points.shape == (200, 3) and preview.shape[0] == 4
    field, views, angles = pack.run("Recon3D_RegressSdf", **inputs, points=points).result
    assert angles == "Camera: elevation 30°, roll 12°."
    assert field.inside(torch.zeros(1, 3)) > 0 and len(views) == 1
    alone = pack.run("Recon3D_RegressSdf", **inputs).result[0]
    torch.testing.assert_close(alone.inside(points.points), field.inside(points.points))


def test_points_to_occupancy(pack, inputs):
    points = pack.run("Recon3D_CoarsePoints", **inputs).result[0]
    voxel, preview = pack.run("Recon3D_PointsToOccupancy", model=inputs["model"], points=points).result
    assert voxel.data.shape == (1, 32, 32, 32) and preview.shape[0] == 3 and preview.shape[-1] == 3


def test_a_model_of_another_kind_is_told(pack, inputs):
    from tests.helpers.oracle import oracle_model

    other = oracle_model()
    model = pack.lib("weights.registry").LoadedModel(other.module, other.card)
    with pytest.raises(Exception, match="load a LIST model"):
        pack.run("Recon3D_RegressSdf", **{**inputs, "model": model})
