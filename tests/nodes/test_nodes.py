"""What holds for every node: names, tooltips, help, no edited input, sentences for wrong values."""

import copy
import dataclasses
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.helpers.view_prior import TINY as TINY_PRIOR

ROOT = Path(__file__).resolve().parents[2]
IDS = sorted(json.loads((ROOT / "tests" / "node_surface.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def values(loaded_pack, tiny_model, photo, disc, tmp_path_factory) -> dict:
    """One value of every kind, made once; the files lie in folder["input"] and folder["output"]."""
    import folder_paths

    root = tmp_path_factory.mktemp("values")
    folder_paths.use(root)
    pack, on_photo = loaded_pack, {"image": photo, "mask": disc}
    cameras = pack.run("Recon3D_CameraOrbit", count=3, width=64, height=48).result[0]
    view = pack.run("Recon3D_MakeView", cameras=cameras[0], **on_photo).result[0]
    solid = ball()
    mesh = pack.run("Recon3D_ExtractMesh", field=solid, resolution=16).result[0]
    pack.run("Recon3D_SaveMesh", mesh=mesh)
    pack.run("Recon3D_SaveViews", views=view)
    (root / "output" / "3d" / "object_00001_.glb").rename(root / "input" / "ball.glb")
    surface, seen, _ = pack.run("Recon3D_VisibleSurface", model=tiny_model, **on_photo).result
    beside = pack.run("Recon3D_CameraOrbit", count=1, azimuth=40.0, width=64, height=48).result[0]
    gap = pack.run("Recon3D_OutpaintingMask", views=view, cameras=beside, hull=solid, field=solid).result[-1]
    made = {
        "cameras": cameras,
        "view": view,
        "solid": solid,
        "mesh": mesh,
        "surface": surface,
        "seen": seen,
        "gap": gap,
    }
    return {**made, "root": root}


def tiny_prior(pack):
    """An untrained prior of views."""
    network = pack.lib("networks.view_diffusion.model").build(TINY_PRIOR.to_dict())
    return pack.lib("stages.fitting.radiance.view_priors").RepairPrior(network.eval().requires_grad_(False))


@pytest.fixture
def cases(pack, photo, disc, tiny_model, tiny_outpainter, quick_training, values, tmp_path) -> dict[str, dict]:
    """Valid inputs for every node (defaults left out)."""
    for folder in ("input", "output"):
        shutil.copytree(values["root"] / folder, tmp_path / folder, dirs_exist_ok=True)
    cameras, view, solid = values["cameras"], values["view"], values["solid"]
    mesh, surface = values["mesh"], values["surface"]
    info = {"position": {"x": 0, "y": 5, "z": 9}, "target": {"x": 0, "y": 2.5, "z": 0}, "zoom": 1}
    on_photo = {"model": tiny_model, "image": photo}
    painter = pack.lib("stages.outpainting.painter_plain").PlainPainter(64)
    return {
        "Recon3D_BakeTexture": {"mesh": mesh, "views": view, "size": 64, "max_faces": 500},
        "Recon3D_CameraFromFov": {"image": photo},
        "Recon3D_CameraOrbit": {},
        "Recon3D_CameraSchedule": {"views": view, "hull": solid},
        "Recon3D_CamerasFromLoad3D": {"camera_info": {**info, "cameraType": "perspective"}, "mesh": mesh},
        "Recon3D_CompareMeshes": {"predicted": mesh, "truth": mesh, "samples": 1000, "cameras": cameras},
        "Recon3D_CompleteShape": {"model": tiny_model, "points": surface},
        "Recon3D_CropViews": {"views": view, "side": 32},
        "Recon3D_DemoPhoto": {},
        "Recon3D_EstimateDepthNormals": {**on_photo, "mask": disc},
        "Recon3D_ExtractMesh": {"field": solid, "resolution": 16},
        "Recon3D_GrowAround": {"views": ["3", 0], "field": ["4", 0], "model": ["1", 0], "outpainter": ["2", 0]},
        "Recon3D_JoinPaintedView": {"image": torch.rand(1, 24, 32, 3), "gap": values["gap"], "model": tiny_model},
        "Recon3D_FitVolSDF": {"views": view, "start": solid, "grid": 32, "rounds": 1},
        "Recon3D_LoadMesh": {"file": "ball.glb"},
        "Recon3D_LoadModel": {},
        "Recon3D_LoadOutpainter": {"name": pack.file("outpaint").PLAIN},
        "Recon3D_LoadViewPrior": {},
        "Recon3D_LoadViews": {"folder": "views/object_00001_ [output]"},
        "Recon3D_MakeView": {"image": photo, "cameras": cameras[0], "mask": disc, "views": view},
        "Recon3D_OutpaintingMask": {"views": view, "cameras": cameras, "hull": solid, "field": solid},
        "Recon3D_OutpaintView": {"outpainter": painter, "gap": values["gap"], "views": view},
        "Recon3D_PersonalisePainter": {"outpainter": tiny_outpainter, "views": values["seen"]},
        "Recon3D_PickCamera": {"cameras": cameras, "number": 2},
        "Recon3D_PrepareMask": {"image": photo, "mask": disc},
        "Recon3D_RegressShape": {**on_photo, "mask": disc},
        "Recon3D_Render": {"mesh": mesh, "frames": 2, "size": 32},
        "Recon3D_SampleNovelView": {"prior": tiny_prior(pack), "views": view, "cameras": cameras[:1]},
        "Recon3D_SaveMesh": {"mesh": mesh},
        "Recon3D_SaveViews": {"views": view},
        "Recon3D_Segment": on_photo,
        "Recon3D_SimplifyMesh": {"mesh": mesh, "max_faces": 100, "smooth": 1},
        "Recon3D_ViewsToImages": {"views": view},
        "Recon3D_VisibleSurface": {**on_photo, "mask": disc},
        "Recon3D_VisualHull": {"views": view, "resolution": 16},
    }


OWN_TESTS = {  # what needs models or views of its own, run by the file of that name
    "Recon3D_CoarsePoints": "test_list_sdf", "Recon3D_PointsToOccupancy": "test_list_sdf",
    "Recon3D_RegressSdf": "test_list_sdf", "Recon3D_FitRadianceField": "test_radiance",
    "Recon3D_RenderPath": "test_radiance", "Recon3D_PosePhotos": "test_pose", "Recon3D_RefinePoses": "test_pose",
    "Recon3D_TurntableCameras": "test_pose", "Recon3D_ImageDepthToTriplane": "test_g3dr",
    "Recon3D_ViewsFromGeometry": "test_geometry", "Recon3D_CameraToLoad3D": "test_geometry",
    "Recon3D_MeshFromFile3D": "test_geometry", "Recon3D_MeshToFile3D": "test_geometry",
    "Recon3D_MeshToField": "test_geometry", "Recon3D_AlignMesh": "test_photo_onto_mesh",
    "Recon3D_ProjectViews": "test_photo_onto_mesh",
}  # fmt: skip


def test_nodes_with_tests_of_their_own_are_run_there():
    for node_id, name in OWN_TESTS.items():
        assert node_id in (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("node_id", sorted(set(IDS) - set(OWN_TESTS)))
def test_runs_fills_its_outputs_and_edits_no_input(pack, cases, node_id):
    if node_id == "Recon3D_LoadModel" and not pack.lib("weights.registry").find_models():
        pytest.skip("no embedded model in this checkout")
    if node_id == "Recon3D_LoadViewPrior" and not pack.file("prior").prior_cards():
        pytest.skip("no embedded prior in this checkout")
    inputs = cases[node_id]
    before = snapshot(inputs)
    output = pack.run(node_id, **inputs)
    assert snapshot(inputs) == before
    for socket, value in zip(pack.nodes[node_id].define_schema().outputs, output.result, strict=True):
        if output.expand is None:
            check_output(socket, value)
        else:
            assert value in inputs.values() or value[0] in output.expand


def check_output(socket, value) -> None:
    """Of the declared kind, and no inference tensor."""
    assert value is not None, socket.id
    assert not any(tensor.is_inference() for tensor in tensors(value)), socket.id
    if socket.io_type == "IMAGE":
        assert value.ndim == 4 and value.shape[-1] == 3 and value.dtype == torch.float32
        assert value.min() >= 0 and value.max() <= 1
    elif socket.io_type == "MASK":
        assert value.ndim == 3 and value.dtype == torch.float32
    elif socket.io_type == "MESH":
        assert value.vertices.ndim == value.faces.ndim == 3
    elif socket.io_type == "VOXEL":
        assert value.data.ndim == 4 and value.data.dtype == torch.float32 and 0 < value.data.mean() < 1
    elif socket.io_type == "STRING":
        assert isinstance(value, str) and value


@pytest.mark.parametrize("node_id", IDS)
def test_every_socket_says_what_it_is(pack, node_id):
    schema = pack.nodes[node_id].define_schema()
    assert re.fullmatch(r"Recon3D_[A-Z]\w+", node_id)
    assert schema.description.endswith(".") and schema.category.startswith("3d/Recon3D")
    for socket in (*schema.inputs, *schema.outputs):
        assert socket.tooltip and len(socket.tooltip) > 8, (node_id, socket.id)
    assert all(output.display_name for output in schema.outputs)


@pytest.mark.parametrize("node_id", IDS)
def test_every_node_has_its_help_page_and_both_languages(pack, node_id):
    schema = pack.nodes[node_id].define_schema()
    page = (ROOT / "web" / "docs" / f"{node_id}.md").read_text(encoding="utf-8")
    for socket in (*schema.inputs, *schema.outputs):
        shown = getattr(socket, "display_name", None) or socket.id
        assert f"`{shown}`" in page, (node_id, shown)
    for language in ("en", "zh"):
        names = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
        assert set(names[node_id]["inputs"]) == {socket.id for socket in schema.inputs}, (language, node_id)
        assert len(names[node_id]["outputs"]) == len(schema.outputs), (language, node_id)


@pytest.mark.parametrize("node_id", IDS)
def test_choices_and_numbers_outside_their_range_are_told(pack, node_id):
    bad_input = pack.lib("errors").BadInput
    for socket in pack.nodes[node_id].define_schema().inputs:
        wrong = []
        if getattr(socket, "options", None) is not None:
            wrong = ["zeta"]
        elif getattr(socket, "min", None) is not None:
            wrong = [socket.min - 1, socket.max + 1, float("nan")]
        for value in wrong:
            with pytest.raises(bad_input, match=socket.id):
                pack.run(node_id, **{socket.id: value})


def ball():
    """A field: a ball of radius 0.6 around the origin, red."""
    return SimpleNamespace(
        bounds=torch.tensor([[-1.0, -1, -1], [1, 1, 1]]),
        has_color=True,
        inside=lambda points: 0.6 - points.norm(dim=-1),
        color=lambda points, directions=None: torch.tensor([1.0, 0, 0]).expand_as(points),
    )


def parts(value):
    """What a value is made of."""
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, SimpleNamespace):
        return vars(value)
    if isinstance(value, torch.nn.Module):
        return value.state_dict()
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return value if isinstance(value, dict) else {}


def tensors(value) -> list[torch.Tensor]:
    """All tensors inside a value."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for part in parts(value).values() for tensor in tensors(part)]


def snapshot(value) -> list[tuple]:
    """Bytes of every tensor inside a value, and the plain values."""
    plain = copy.copy(value) if isinstance(value, str | int | float) else None
    return [(t.dtype, tuple(t.shape), t.clone().numpy().tobytes()) for t in tensors(value)] + [plain]


@pytest.mark.parametrize(
    "node_id",
    ["Recon3D_Segment", "Recon3D_EstimateDepthNormals", "Recon3D_VisibleSurface", "Recon3D_Render",
     "Recon3D_VisualHull", "Recon3D_OutpaintingMask", "Recon3D_FitVolSDF"],
)  # fmt: skip
def test_long_nodes_show_what_they_have(pack, cases, node_id):
    from comfy import utils

    utils.updates.clear()
    pack.run(node_id, **cases[node_id])
    pictures = [preview[1] for _, _, preview in utils.updates if preview is not None]
    assert pictures and all(min(picture.size) >= 32 for picture in pictures)
