"""The stop button in every long stage: heard at once, passed on as it is, nothing half-written, no input changed."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recon_lib.data.backgrounds.bank import draw_backgrounds
from recon_lib.data.shards.render_shards import render_solids
from recon_lib.data.shards.shards import Shard
from recon_lib.errors import Interrupted
from recon_lib.fields.field import Field
from recon_lib.memory import default_chunk
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.render.field import turntable_field
from recon_lib.render.mesh import turntable
from recon_lib.stages.evaluation.meshes import compare_meshes, error_mesh
from recon_lib.stages.meshing.export import save_mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.meshing.texture import bake_texture
from recon_lib.stages.single_view.depth_normal import estimate_depth_normals
from recon_lib.stages.single_view.mask import segment
from recon_lib.stages.single_view.regress import EXTENT_NODES, VisibleSurface, complete_shape, visible_surface
from recon_lib.systems.options import Options
from recon_lib.systems.zeroshape_w import reconstruct
from recon_lib.views.posed_images import load_views, save_views
from recon_lib.views.views import Views
from recon_lib.weights.registry import LoadedModel
from tests.helpers.oracle import disk_picture, oracle_model
from tests.helpers.stop_button import StopButton, files, looks_of, stop_everywhere

FRAMES, IMAGES, CHUNK = 2, 3, 1000
FRAME_CHUNKS = -(-(EXTENT_NODES**3) // default_chunk("cpu"))  # of the grid by which the world is placed


@dataclass(frozen=True)
class Things:
    """What stages work on."""

    model: LoadedModel
    images: Tensor  # [IMAGES,3,H,W]
    masks: Tensor
    surface: VisibleSurface
    field: Field
    mesh: Mesh  # with a texture
    views: Views
    folder: Path  # with saved views

    @property
    def image(self) -> Tensor:
        return self.images[:1]


@pytest.fixture(scope="module")
def things(tmp_path_factory) -> Things:
    model, (image, mask) = oracle_model(), disk_picture(96, 112, (60, 50), 30)
    made = reconstruct(image, model, options=Options(resolution=16, texture_size=64))
    folder = save_views(made.surface.views, tmp_path_factory.mktemp("views") / "one")
    many = (image.repeat(IMAGES, 1, 1, 1), mask.repeat(IMAGES, 1, 1, 1))
    return Things(model, *many, made.surface, made.field, made.mesh, made.surface.views, folder)


# Each stage, and how many units of work (pictures, chunks, frames, iterations) it does: one look at the button each.
Run = Callable[[Things, Path, Progress], object]
STAGES: dict[str, tuple[Run, int]] = {
    "segment": (lambda t, f, p: segment(t.model, t.images, progress=p), 2 * IMAGES),
    "depth and normals": (lambda t, f, p: estimate_depth_normals(t.model, t.images, t.masks, progress=p), IMAGES),
    "visible surface": (lambda t, f, p: visible_surface(t.model, t.image, progress=p), 3 + FRAME_CHUNKS),
    "complete shape": (lambda t, f, p: complete_shape(t.model, t.surface, progress=p), 2),
    "extract mesh": (lambda t, f, p: extract_mesh(t.field, 16, chunk=CHUNK, progress=p), 17**3 // CHUNK),
    "bake texture": (lambda t, f, p: bake_texture(t.mesh, t.views, size=32, max_faces=400, progress=p), 5 + 4),
    "render mesh": (lambda t, f, p: turntable(t.mesh, FRAMES, size=24, progress=p), FRAMES),
    "render field": (lambda t, f, p: turntable_field(t.field, FRAMES, size=16, progress=p), 33 * FRAMES),
    "save mesh": (lambda t, f, p: save_mesh(t.mesh, f / "mesh.glb", progress=p), 3),
    "save mesh in several files": (lambda t, f, p: save_mesh(t.mesh, f / "mesh.obj", progress=p), 3),
    "save views": (lambda t, f, p: save_views(t.views, f / "views", progress=p), 2),
    "load views": (lambda t, f, p: load_views(t.folder, progress=p), 2),
    "compare meshes": (
        lambda t, f, p: compare_meshes(t.mesh, t.mesh, align="similarity", samples=500, progress=p),
        60,
    ),
    "error mesh": (lambda t, f, p: error_mesh(t.mesh, t.mesh, samples=500, progress=p), 8),
    "backgrounds": (lambda t, f, p: draw_backgrounds(f / "new" / "b.npy", 3, size=16, progress=p), 3),
    "reconstruct": (
        lambda t, f, p: reconstruct(t.image, t.model, options=Options(resolution=12, texture_size=32), progress=p),
        2 + 1 + FRAME_CHUNKS + 1 + 2 + 5,
    ),
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_stops(things, tmp_path, stage):
    run, work = STAGES[stage]
    (tmp_path / "done").mkdir()
    looks = looks_of(lambda progress: run(things, tmp_path / "done", progress))
    assert looks >= work
    (tmp_path / "stopped").mkdir()
    before = [t.clone() for t in tensors(things)]
    stop_everywhere(lambda progress: run(things, tmp_path / "stopped", progress), tmp_path / "stopped", looks)
    after = list(tensors(things))
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_a_stop_keeps_the_file_that_was_there(things, tmp_path):
    (tmp_path / "mesh.glb").write_bytes(b"old")
    stop_everywhere(lambda progress: save_mesh(things.mesh, tmp_path / "mesh.glb", progress=progress), tmp_path, 3)
    assert files(tmp_path) == {"mesh.glb": b"old"}


def tensors(value: object) -> Iterator[Tensor]:
    """Every tensor inside dataclasses, tuples and networks."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.state_dict().values()
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors(getattr(value, field.name))


# -- jobs that go on where they were stopped: what is finished stays, and is whole ------------------------------------


@pytest.fixture(scope="module")
def solids(things, tmp_path_factory) -> Path:
    """Balls in the form that `render_solids` takes from its cache."""
    cache, mesh = tmp_path_factory.mktemp("solids"), extract_mesh(things.field, 12).mesh
    points = torch.rand(32768, 3) * 2 - 1
    for seed in range(2):
        np.savez(
            cache / f"{seed:05d}.npz",
            vertices=mesh.vertices.numpy(),
            faces=mesh.faces.int().numpy(),
            face_parts=np.zeros(len(mesh.faces), np.uint8),
            part_colors=np.full((1, 3), 180, np.uint8),
            points=points.half().numpy(),
            inside=np.packbits((points.norm(dim=-1) < 1).numpy()),
        )
    return cache


def whole(folder: Path) -> bool:
    """No file beside its name, and every shard can be opened."""
    parts = [p for p in folder.rglob("*") if p.name.startswith(".") or ".part" in p.name]
    return not parts and all(len(Shard.open(shard)) for shard in Shard.find(folder))


def test_rendering_shards_stops_and_goes_on(solids, tmp_path):
    def render(progress: Progress) -> None:
        shutil.rmtree(tmp_path / "shards", ignore_errors=True)
        render_solids(tmp_path / "shards", range(2), views=2, size=24, cache=solids, progress=progress)

    looks = looks_of(render)
    assert looks >= 2 * 2
    shutil.rmtree(tmp_path / "shards")
    stop_everywhere(render, tmp_path, looks - 1)  # the last look is behind a finished shard, which stays
    render(Progress())
    assert whole(tmp_path)
    assert len(Shard.find(tmp_path)) == 1


def test_training_stops_and_goes_on(solids, tmp_path):
    pytest.importorskip("accelerate")
    from recon_lib.training.zeroshape_w.settings import TrainSettings
    from recon_lib.training.zeroshape_w.train import train

    render_solids(tmp_path / "shards", range(2), views=2, size=48, cache=solids)
    steps = 2
    settings = TrainSettings(
        tmp_path / "shards",
        tmp_path / "run",
        steps=steps,
        batch=2,
        queries=16,
        sides=((0.0, 32),),
        workers=0,
        save_every=1,
    )
    stop_everywhere(lambda progress: train(settings, progress), tmp_path, 2, places=2)  # before the first step

    button = StopButton(2 + 1)  # when the first step is done and saved
    with pytest.raises(Interrupted):
        train(settings, button)
    assert whole(tmp_path)
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] == 1
    train(settings)
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] == steps
    assert whole(tmp_path)


# -- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 5, 12])
def test_the_reconstruct_command_stops(tmp_path, monkeypatch, capsys, at):
    from recon_lib import console
    from recon_lib.cli import main
    from recon_lib.commands import reconstruct as command
    from recon_lib.views.photo import save_image

    class Console(StopButton):
        def __init__(self):
            super().__init__(at)

        def close(self):
            pass

    monkeypatch.setattr(console, "ConsoleProgress", Console)
    monkeypatch.setattr(command, "_load", lambda system, name: oracle_model())
    save_image(disk_picture(64, 64, (32, 32), 20)[0][0], tmp_path / "photo.png")
    before = files(tmp_path)
    outputs = [f"{option}={tmp_path / name}" for option, name in (("--report", "r.json"), ("--preview", "p.png"))]
    arguments = [str(tmp_path / "photo.png"), "-o", str(tmp_path / "o.glb"), "--resolution", "16", *outputs]
    assert main(["reconstruct", *arguments]) == 130
    assert capsys.readouterr().err.strip().endswith("Interrupted.")
    assert files(tmp_path) == before
