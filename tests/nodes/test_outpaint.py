"""Load Outpainter, Outpaint View and Join Painted View as a graph uses them."""

import pytest
import torch

SIZE, RADIUS = 64, 0.6


@pytest.fixture
def scene(pack):
    """A red ball seen from the front, and what a camera 60 degrees beside it lacks."""
    stages, camera = pack.lib("stages.outpainting.mask"), pack.lib("cameras.camera")
    around = camera.Cameras.orbit([0.0, 60.0], 0.0, 3.5, 40.0, SIZE, SIZE)
    origins, directions = around.rays()
    disc = (torch.linalg.cross(-origins, directions).norm(dim=-1) < RADIUS).float()[:, None]
    red = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1)
    pictures = disc * red + 1 - disc
    views = pack.lib("views.views").Views(pictures[:1], around[0], disc[:1])
    ball = pack.run("Recon3D_ExtractMesh", field=Ball(RADIUS), resolution=48).result[0]
    mesh = pack.file("convert").mesh_from_host(ball)
    hull = mesh.mapped(lambda v: v * 1.15)
    gap = stages.find_outpaint_mask(views, around[1], hull, mesh)
    return {"views": views, "gap": gap, "truth": pictures[1:].movedim(1, -1), "disc": disc[1:]}


class Ball:
    bounds, has_color = torch.tensor([[-1.0] * 3, [1.0] * 3]), False

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def inside(self, points: torch.Tensor) -> torch.Tensor:
        return self.radius - points.norm(dim=-1)


def told(pack, node_id: str, **inputs) -> str:
    with pytest.raises(pack.lib("errors").BadInput) as caught:
        pack.run(node_id, **inputs)
    return str(caught.value)


def plain(pack):
    return pack.run("Recon3D_LoadOutpainter", name=pack.file("outpaint").PLAIN, size=SIZE).result[0]


def write_outpainter(pack, folder) -> None:
    """A tiny network with random weights as models/recon3d holds it."""
    from safetensors.torch import save_file

    library = pack.lib("networks.outpainter")
    config = library.OutpainterConfig(channels=(16, 16), groups=8, head_width=8, side=32, steps=2)
    torch.manual_seed(0)
    state = {key: value.contiguous() for key, value in library.Outpainter(config).state_dict().items()}
    folder.mkdir(parents=True)
    save_file(state, str(folder / "painter.safetensors"))
    card = {"system": "outpainter", "licence": "none", "config": config.to_dict()}
    pack.lib("files").write_json(folder / "painter.json", card)


def test_a_view_is_painted_and_added(pack, scene):
    views, gap = scene["views"], scene["gap"]
    every, image, mask = pack.run("Recon3D_OutpaintView", outpainter=plain(pack), gap=gap, views=views).result
    assert len(every) == 2 and torch.equal(every.images[:1], views.images)
    assert torch.equal(every.images[1].movedim(0, -1), image[0]) and torch.equal(every.masks[1], mask)
    seen = gap.seen[0, 0] > 0.5
    assert torch.equal(image[0][seen], gap.images[0].movedim(0, -1)[seen])
    wrong = (mask[0] > 0.5) != (scene["disc"][0, 0] > 0.5)
    assert wrong.sum() < 0.05 * scene["disc"].sum()
    codes = pack.lib("provenance").Provenance
    assert set(every.provenance[1].unique().tolist()) == {codes.NONE, codes.OUTPAINTED, codes.INFERRED}
    assert len(pack.run("Recon3D_OutpaintView", outpainter=plain(pack), gap=gap).result[0]) == 1


def test_a_mask_in_place_of_the_gaps_own(pack, scene):
    gap = scene["gap"]
    mask = torch.zeros(1, SIZE, SIZE)
    mask[:, SIZE // 2 :] = 1
    every = pack.run("Recon3D_OutpaintView", outpainter=plain(pack), gap=gap, mask=mask).result[0]
    painted = every.provenance[0, 0] == pack.lib("provenance").Provenance.OUTPAINTED
    assert painted[SIZE // 2 :].any() and not painted[: SIZE // 2].any()
    corner = {"outpainter": plain(pack), "gap": gap, "mask": mask[:, 24:40, :9]}
    assert "made from this image" in told(pack, "Recon3D_OutpaintView", **corner)


def test_a_model_adds_depth_and_normals(pack, scene, tiny_model):
    inputs = {"outpainter": plain(pack), "gap": scene["gap"]}
    bare, told_depth = (
        pack.run("Recon3D_OutpaintView", **inputs, **more).result[0] for more in ({}, {"model": tiny_model})
    )
    outpainted = bare.provenance == pack.lib("provenance").Provenance.OUTPAINTED
    assert (told_depth.depth[outpainted] > 0).all()
    assert bare.depth is None or not bare.depth[outpainted].any()


def test_a_picture_painted_by_other_nodes(pack, scene):
    inputs = {"gap": scene["gap"], "views": scene["views"]}
    every, image, mask = pack.run("Recon3D_JoinPaintedView", image=scene["truth"], **inputs).result
    wrong = (mask[0] > 0.5) != (scene["disc"][0, 0] > 0.5)
    assert len(every) == 2 and wrong.sum() < 0.02 * scene["disc"].sum()
    assert (image - scene["truth"]).abs().mean() < 0.01
    given = pack.run("Recon3D_JoinPaintedView", image=scene["truth"], mask=scene["disc"][:, 0], **inputs).result[2]
    assert ((given[0] > 0.5) != (scene["disc"][0, 0] > 0.5)).sum() < 0.02 * scene["disc"].sum()
    batch = scene["truth"].repeat(2, 1, 1, 1)
    assert "batch of 2" in told(pack, "Recon3D_JoinPaintedView", image=batch, **inputs)
    assert "aspect ratio" in told(pack, "Recon3D_JoinPaintedView", image=scene["truth"][:, :40], **inputs)


def test_an_outpainter_of_models_recon3d(pack, scene, tmp_path):
    write_outpainter(pack, tmp_path / "models" / "recon3d")
    loader = pack.nodes["Recon3D_LoadOutpainter"]
    names = loader.define_schema().inputs[0].options
    assert "painter" in names and pack.file("outpaint").PLAIN in names
    listed = pack.nodes["Recon3D_LoadModel"].define_schema().inputs[0].options
    assert "painter" not in listed, "Load Reconstruction Model does not list what it cannot use"
    painter = pack.run("Recon3D_LoadOutpainter", name="painter", steps=3).result[0]
    assert painter.steps == 3 and painter.side == 32
    inputs = {"outpainter": painter, "gap": scene["gap"]}
    first, again, other = (pack.run("Recon3D_OutpaintView", **inputs, seed=seed).result[1] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert loader.fingerprint_inputs(name="painter") == loader.fingerprint_inputs(name="painter") != []


def test_a_diffusers_folder(pack, tmp_path):
    """Listed by its description alone; opened only when it paints."""
    import json

    for name, file, kind in (
        ("sd", "model_index.json", "StableDiffusionPipeline"), ("depth", "config.json", "ControlNetModel"),
    ):  # fmt: skip
        folder = tmp_path / "models" / "diffusers" / name
        folder.mkdir(parents=True)
        (folder / file).write_text(json.dumps({"_class_name": kind}))
    inputs = {"name": "sd", "control": "depth", "steps": 12, "size": 256, "strength": 0.5, "precision": "bfloat16"}
    painter = pack.run("Recon3D_LoadOutpainter", **inputs).result[0]
    assert (painter.steps, painter.side, painter.strength, painter.dtype) == (12, 256, 0.5, torch.bfloat16)
    assert (painter.folder.name, painter.control.name, painter.bytes) == ("sd", "depth", 0)
    usual = pack.run("Recon3D_LoadOutpainter", name="sd").result[0]
    assert (usual.side, usual.control, usual.dtype) == (512, None, None) and usual.steps > 12
    assert "among the choices" in told(pack, "Recon3D_LoadOutpainter", name="flux")


def test_one_of_several_cameras(pack, scene):
    assert "no camera 2 in this outpaint mask of 1" in told(
        pack, "Recon3D_OutpaintView", outpainter=plain(pack), gap=scene["gap"], number=2
    )
