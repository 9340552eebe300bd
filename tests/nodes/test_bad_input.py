"""What users get wrong in ComfyUI: each told in one sentence, nothing left behind."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAN = float("nan")


@pytest.fixture
def refused(pack, tmp_path):
    """Run a node that must refuse; the message is returned and no file may appear."""

    def run(node_id: str, **inputs) -> str:
        before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        with pytest.raises(pack.lib("errors").BadInput) as caught:
            pack.run(node_id, **inputs)
        assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
        message = str(caught.value)
        assert "\n" not in message and message.endswith(".")
        return message

    return run


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda image: image * NAN, "NaN"),
        (lambda image: image[:, :1, :1], "at least"),
        (lambda image: image[:0], "empty"),
        (lambda image: image[0], "needed"),
        (lambda image: image[..., :2], "channels"),
        (lambda image: image * 255, "0 to 1"),
        (lambda image: None, "needed"),
    ],
)
@pytest.mark.parametrize("node_id", ["Recon3D_Segment", "Recon3D_RegressShape", "Recon3D_VisibleSurface"])
def test_pictures(refused, tiny_model, photo, node_id, change, told):
    assert told in refused(node_id, model=tiny_model, image=change(photo.clone()))


@pytest.mark.parametrize("node_id", ["Recon3D_RegressShape", "Recon3D_VisibleSurface"])
def test_a_batch_of_five(refused, tiny_model, photo, node_id):
    assert "batch of 5" in refused(node_id, model=tiny_model, image=photo.expand(5, -1, -1, -1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda mask: mask * 0, "empty"),
        (lambda mask: mask * 0 + 1, "whole picture"),
        (lambda mask: mask * NAN, "NaN"),
        (lambda mask: torch.zeros(1, 60, 60), "made from this image"),
        (lambda mask: mask.repeat(3, 1, 1), "3 masks for 1 image"),
        (lambda mask: "mask", "is needed"),
    ],
)
@pytest.mark.parametrize("node_id", ["Recon3D_VisibleSurface", "Recon3D_EstimateDepthNormals"])
def test_masks(refused, tiny_model, photo, disc, node_id, change, told):
    assert told in refused(node_id, model=tiny_model, image=photo, mask=change(disc))


def test_an_inverted_mask_is_turned_by_prepare_mask(pack, photo, disc):
    meaning = pack.file("mask").WHITE_IS_BACKGROUND
    turned = pack.run("Recon3D_PrepareMask", image=photo, mask=1 - disc, meaning=meaning).result[0]
    assert torch.equal(turned, disc)


def test_load_images_empty_mask_is_told(pack, refused, photo):
    """A picture without alpha: LoadImage gives 64x64 zeros, which inverted would be everything."""
    square = photo[:, :, :48]
    meaning = pack.file("mask").WHITE_IS_BACKGROUND
    message = refused("Recon3D_PrepareMask", image=square, mask=torch.zeros(1, 64, 64), meaning=meaning)
    assert "no transparency" in message


@pytest.mark.parametrize(
    ("depth", "told"),
    [(torch.zeros(1, 48, 64, 3), "constant"), (torch.rand(1, 24, 48, 3), "this very image")],
)
def test_depth_pictures(refused, tiny_model, photo, disc, depth, told):
    assert told in refused("Recon3D_VisibleSurface", model=tiny_model, image=photo, mask=disc, depth=depth)


def test_a_renderer_with_nothing_or_two_things(pack, refused):
    assert "exactly one" in refused("Recon3D_Render")


@pytest.mark.parametrize("mesh", ["object.glb", [torch.zeros(3)], object()])
@pytest.mark.parametrize("node_id", ["Recon3D_SaveMesh", "Recon3D_BakeTexture"])
def test_foreign_meshes(refused, mesh, node_id):
    assert "MESH" in refused(node_id, mesh=mesh)


@pytest.mark.parametrize("prefix", ["../escape", "/tmp/escape", ""])
def test_paths_out_of_the_output_folder(pack, refused, photo, prefix):
    cameras = pack.run("Recon3D_CameraFromFov", image=photo).result[0]
    view = pack.run("Recon3D_MakeView", image=photo, cameras=cameras).result[0]
    assert refused("Recon3D_SaveViews", views=view, filename_prefix=prefix)


def test_missing_files(refused, pack, tmp_path):
    (tmp_path / "input" / "broken.glb").write_bytes(b"glTF but not really")
    assert "damaged" in refused("Recon3D_LoadMesh", file="broken.glb")
    assert "is not in" in refused("Recon3D_LoadViews", folder="nowhere")


def test_views_need_a_camera_each(pack, refused, photo):
    cameras = pack.run("Recon3D_CameraOrbit", count=3).result[0]
    assert "one camera per image" in refused("Recon3D_MakeView", image=photo, cameras=cameras)
    assert "no camera 4 among 3" in refused("Recon3D_PickCamera", cameras=cameras, number=4)


def test_a_truncated_model(pack, refused, tmp_path):
    folder = tmp_path / "models" / "recon3d"
    folder.mkdir(parents=True)
    (folder / "half.safetensors").write_bytes(b"\x10\x00")
    (folder / "half.json").write_text('{"system": "zeroshape-w", "licence": "none", "config": {}}')
    assert "truncated" in refused("Recon3D_LoadModel", name="half")


INTERRUPTED = {
    "Recon3D_Segment": ("model", "image"),
    "Recon3D_VisibleSurface": ("model", "image", "mask"),
    "Recon3D_RegressShape": ("model", "image", "mask"),
    "Recon3D_EstimateDepthNormals": ("model", "image"),
    "Recon3D_ExtractMesh": ("field",),
    "Recon3D_BakeTexture": ("mesh", "views"),
    "Recon3D_Render": ("mesh",),
    "Recon3D_CompareMeshes": ("predicted", "truth"),
    "Recon3D_SaveViews": ("views",),
    "Recon3D_VisualHull": ("views",),
    "Recon3D_MeshToField": ("mesh",),
    "Recon3D_FitVolSDF": ("views",),
    "Recon3D_OutpaintingMask": ("views", "cameras", "hull", "field"),
    "Recon3D_CameraSchedule": ("hull",),
}


@pytest.mark.parametrize("node_id", sorted(INTERRUPTED))
def test_the_stop_button_stops_every_long_node(pack, tiny_model, photo, disc, tmp_path, node_id):
    from types import SimpleNamespace

    from comfy import model_management

    cameras = pack.run("Recon3D_CameraFromFov", image=photo).result[0]
    field = SimpleNamespace(
        bounds=torch.tensor([[-1.0, -1, -1], [1, 1, 1]]), has_color=False, inside=lambda p: 0.5 - p.norm(dim=-1)
    )
    mesh = pack.run("Recon3D_ExtractMesh", field=field, resolution=8).result[0]
    given = {
        "model": tiny_model, "image": photo, "mask": disc, "field": field, "mesh": mesh, "predicted": mesh,
        "truth": mesh, "hull": field, "cameras": cameras,
        "views": pack.run("Recon3D_MakeView", image=photo, cameras=cameras, mask=disc).result[0],
    }  # fmt: skip
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    model_management.interrupt_current_processing()
    with pytest.raises(model_management.InterruptProcessingException):
        pack.run(node_id, **{name: given[name] for name in INTERRUPTED[node_id]})
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


# -- wrong kinds over links -------------------------------------------------------------------------------

WRONG = {
    "INT": [None, "3", 1.5, True, [1], {}, NAN, float("inf"), 10**400, torch.zeros(1)],
    "FLOAT": [None, "3", True, [1.0], NAN, -float("inf"), 10**400, 1j, torch.zeros(2)],
    "STRING": [None, 3, b"x", ["x"], torch.zeros(1)],
    "BOOLEAN": [None, 1, "yes", [True], torch.zeros(2)],
    "COMBO": [None, 3, ["glb"], "x" * 10**6, torch.zeros(3)],
    "OWN": [None, 3, "x", [], {}, torch.zeros(1), object(), ["3", 0]],
}


@pytest.mark.parametrize("own", [False, True], ids=["plain", "own types"])
def test_every_socket_refuses_other_kinds(pack, own):
    """Whatever comes first among the inputs; the optional ones may be None."""
    check, bad_input = pack.file("base").check_inputs, pack.lib("errors").BadInput
    for node in pack.nodes.values():
        schema = node.define_schema()
        for socket in schema.inputs:
            kind = "OWN" if socket.io_type.startswith("RECON3D_") else socket.io_type
            if kind not in WRONG or (kind == "OWN") != own or socket.extra_dict.get("rawLink"):
                continue
            for value in WRONG[kind]:
                if value is None and socket.optional:
                    continue
                schema.inputs = [socket]
                with pytest.raises(bad_input, match=f"^{socket.id} of ") as caught:
                    check(schema, {socket.id: value})
                assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_on_any_socket_is_taken_or_told(pack, value):
    check, bad_input = pack.file("base").check_inputs, pack.lib("errors").BadInput
    schema = pack.nodes["Recon3D_SaveMesh"].define_schema()
    for socket in schema.inputs[1:]:
        schema.inputs = [socket]
        try:
            check(schema, {socket.id: value})
        except bad_input as error:
            told = str(error)
        else:
            told = "taken."
        assert told.endswith(".") and "\n" not in told


def test_numbers_of_numpy_are_numbers(pack):
    mesh = pack.nodes["Recon3D_FitVolSDF"].define_schema()
    for name, value in (("rounds", np.int64(3)), ("cues", np.float32(0.5)), ("cues", 1)):
        mesh.inputs = [socket for socket in pack.nodes["Recon3D_FitVolSDF"].define_schema().inputs if socket.id == name]
        pack.file("base").check_inputs(mesh, {name: value})


def test_what_a_node_tells_names_no_folder_of_the_server(pack, tmp_path):
    (tmp_path / "input" / "bad.obj").write_bytes(b"\xff" * 100)
    with pytest.raises(pack.lib("errors").BadInput) as caught:
        pack.file("mesh_files").LoadMesh.execute(file="bad.obj")
    assert str(tmp_path) not in str(caught.value)
