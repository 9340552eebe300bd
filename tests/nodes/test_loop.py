"""Grow Around lays out stage nodes; run one by one they give what the library's own loop gives."""

import pytest
import torch

from tests.helpers.graphs import executed, is_link

WIDGETS = {"cameras": 3, "step": 45.0, "prompt": "a ball", "seed": 5, "grid": 32, "rounds": 1, "pixels": 32}
OUTER = {"views": ["3", 0], "field": ["4", 0], "model": ["1", 0], "outpainter": ["2", 0]}


def laid_out(pack, **changes) -> tuple[dict, tuple]:
    """The nodes that Grow Around asks for, by name, and its own outputs as links to theirs."""
    output = pack.nodes["Recon3D_GrowAround"].EXECUTE_NORMALIZED(**{**OUTER, **WIDGETS, **changes})
    return output.expand, output.result


@pytest.fixture(params=[0, 1], ids=["plain", "personal"])
def personalise(request) -> int:
    return request.param


@pytest.fixture
def begun(pack, tiny_model, tiny_outpainter, quick_training, personalise, photo, disc, monkeypatch):
    """What the graph holds before the loop: model, painter, first view, first field."""
    monkeypatch.setattr(pack.lib("stages.outpainting.mask"), "RESOLUTION", 24)
    points, views, _ = pack.run("Recon3D_VisibleSurface", model=tiny_model, image=photo, mask=disc).result
    first = pack.run("Recon3D_CropViews", views=views, side=32).result[0]
    hull = pack.run("Recon3D_VisualHull", views=first, resolution=64).result[0]
    shape = pack.run("Recon3D_CompleteShape", model=tiny_model, points=points).result[0]
    field = pack.run(
        "Recon3D_FitVolSDF", views=first, start=shape, hull=hull, grid=32, rounds=1, pixels=32, seed=6
    ).result[0]
    painter = tiny_outpainter if personalise else pack.lib("stages.outpainting.painter_plain").PlainPainter(32)
    return {"1": (tiny_model,), "2": (painter,), "3": (first,), "4": (field,)}, hull


def test_the_graph_gives_what_the_library_gives(pack, begun, personalise, tiny_model):
    known, hull = begun
    outline = ("surface", "painted")[personalise]
    cues = 0.5 * personalise
    graph, outputs = laid_out(pack, personalise=personalise, kind="ball", outline=outline, cues=cues)
    assert sum(node["class_type"] == "Recon3D_PersonalisePainter" for node in graph.values()) == 2 * personalise
    done = executed(pack, graph, known)
    views, field, preview = (done[link[0]][link[1]] for link in outputs)

    system = pack.lib("systems.pop3d.loop")
    settings = pack.lib("stages.fitting.sdf_grid.settings").FitSettings(side=32).upto(32, 1)
    options = system.Options(
        cameras=3, prompt="a ball", outline=outline, personalize=personalise, kind="ball", seed=5, side=32,
        settings=settings, cues=cues,
    )  # fmt: skip
    with torch.inference_mode(False), torch.no_grad():
        painter = known["2"][0]
        loop = system.Loop(tiny_model, painter, options, "cpu", pack.lib("progress").Progress())
        standing = pack.lib("systems.pop3d.state").LoopState(known["3"][0], hull, known["4"][0])
        for camera in loop.schedule(standing):
            standing, _ = loop.grow(standing, camera)
    assert len(views) == 3
    assert torch.equal(views.images, standing.views.images)
    assert torch.equal(views.provenance, standing.views.provenance)
    assert torch.equal(field.distance, standing.field.distance)
    assert preview.shape == (4, 256, 256, 3)


def test_what_is_usual_is_usual_in_both(pack):
    """The widgets' defaults are the library's."""
    options = pack.lib("systems.pop3d.loop").Options()
    schema = pack.nodes["Recon3D_GrowAround"].define_schema()
    widgets = {socket.id: socket.default for socket in schema.inputs if hasattr(socket, "default")}
    widgets["personalize"] = widgets["personalise"]
    for name in ("cameras", "prompt", "outline", "cues", "personalize", "kind", "seed"):
        assert widgets[name] == getattr(options, name), name


def test_one_more_camera_changes_no_node_before_it(pack):
    """So ComfyUI, which keeps results by a node's inputs, paints only the new view."""
    few, many = (laid_out(pack, cameras=count)[0] for count in (3, 8))
    assert {name: node for name, node in many.items() if name in few and "preview" not in name} == {
        name: node for name, node in few.items() if "preview" not in name
    }
    assert sum(node["class_type"] == "Recon3D_OutpaintView" for node in many.values()) == 7


def test_the_outpainter_learns_every_so_many_views(pack):
    """Always from the one that Load Outpainter gave, and all views so far."""
    graph, _ = laid_out(pack, cameras=6, personalise=2, kind="mug")
    learning = {name: node for name, node in graph.items() if node["class_type"] == "Recon3D_PersonalisePainter"}
    painting = [node["inputs"] for node in graph.values() if node["class_type"] == "Recon3D_OutpaintView"]
    assert [node["inputs"]["outpainter"] for node in learning.values()] == [OUTER["outpainter"]] * 3
    first, second, third = ([name, 0] for name in learning)
    assert [inputs["outpainter"] for inputs in painting] == [first, first, second, second, third]
    assert [node["inputs"]["views"] for node in learning.values()] == [painting[i]["views"] for i in (0, 2, 4)]
    assert {node["inputs"]["kind"] for node in learning.values()} == {"mug"}
    more, _ = laid_out(pack, cameras=7, personalise=2, kind="mug")
    assert all(more[name] == node for name, node in learning.items())


def test_values_travel_as_links(pack):
    """A value instead of a link would keep ComfyUI from keeping anything."""
    for node in laid_out(pack, personalise=1)[0].values():
        assert all(is_link(v) or isinstance(v, (int, float, str, bool)) for v in node["inputs"].values())
    schema = pack.nodes["Recon3D_GrowAround"].GET_NODE_INFO_V1()["input"]["required"]
    assert all(schema[name][1].get("rawLink") for name in OUTER)


def test_one_camera_is_the_photo_s_own(pack):
    graph, outputs = laid_out(pack, cameras=1)
    assert list(outputs[:2]) == [OUTER["views"], OUTER["field"]]
    assert not any(node["class_type"] == "Recon3D_OutpaintView" for node in graph.values())


@pytest.mark.parametrize(("step", "most"), [(25.0, 15), (45.0, 15), (180.0, 9)])
def test_a_schedule_is_as_long_as_its_step_allows(pack, step, most):
    assert pack.file("loop").schedule_length(step) == most


@pytest.mark.parametrize("personalise", [0])
def test_more_cameras_than_there_are(pack, begun):
    graph, _ = laid_out(pack, cameras=12, step=180.0)
    schedule = next(node for node in graph.values() if node["class_type"] == "Recon3D_CameraSchedule")
    cameras = pack.run("Recon3D_CameraSchedule", **{**schedule["inputs"], "views": begun[0]["3"][0]}).result[0]
    with pytest.raises(pack.lib("errors").BadInput, match="no camera 11 among 9"):
        pack.run("Recon3D_PickCamera", cameras=cameras, number=11)
