import pytest
import torch

from tests.helpers.g3dr import g3dr_model, photo


@pytest.fixture
def inputs(pack):
    """The pack's own classes, with the network as training begins with it."""
    image, mask, depth = photo(96)
    model = g3dr_model()
    own = pack.lib("weights.registry").LoadedModel(model.module, model.card)
    known = mask[0, 0] > 0
    picture = torch.where(known, (depth[0, 0] - 2) / 2, 1.0)
    linear = picture[None, :, :, None].expand(-1, -1, -1, 3).contiguous()
    return {"model": own, "image": image.movedim(1, -1), "mask": mask[:, 0], "depth": linear, "level": 0.5}


def test_from_picture_and_depth_to_a_turntable_and_a_mesh(pack, inputs):
    field, views = pack.run("Recon3D_ImageDepthToTriplane", **inputs).result
    assert views.depth is not None and len(views) == 1
    centre = field.bounds.mean(0, keepdim=True)
    assert field.inside(centre) > 0
    frames, mask, route = pack.run("Recon3D_RenderPath", field=field, frames=3, size=32, shown="colour").result
    assert frames.shape == (3, 32, 32, 3) and mask.amax() > 0.5 and len(route) == 3
    mesh = pack.run("Recon3D_ExtractMesh", field=field, resolution=48).result[0]
    assert mesh.faces.shape[1] > 100


def test_a_depth_of_the_other_kind_is_told(pack, inputs):
    inverse = pack.file("regress").INVERSE
    with pytest.raises(Exception, match="choose the other kind"):
        pack.run("Recon3D_ImageDepthToTriplane", **inputs, depth_kind=inverse)
    turned = {**inputs, "depth": 1 - inputs["depth"]}
    with pytest.raises(Exception, match="choose the other kind"):
        pack.run("Recon3D_ImageDepthToTriplane", **turned)
    pack.run("Recon3D_ImageDepthToTriplane", **turned, depth_kind=inverse)


def test_a_model_of_another_kind_is_told(pack, inputs):
    from tests.helpers.oracle import oracle_model

    other = oracle_model()
    model = pack.lib("weights.registry").LoadedModel(other.module, other.card)
    with pytest.raises(Exception, match="load a G3DR model"):
        pack.run("Recon3D_ImageDepthToTriplane", **{**inputs, "model": model})
