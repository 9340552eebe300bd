"""Memory that runs out: chunked stages go on in smaller chunks, the others and the smallest chunk tell one sentence."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from recon_lib.errors import OutOfMemory
from recon_lib.memory import SMALLEST_CHUNK
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.field import turntable_field
from recon_lib.render.mesh import turntable
from recon_lib.stages.evaluation.meshes import compare_meshes, error_mesh
from recon_lib.stages.meshing.export import save_mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.meshing.texture import bake_texture
from recon_lib.stages.single_view.depth_normal import estimate_depth_normals
from recon_lib.stages.single_view.mask import segment
from recon_lib.stages.single_view.regress import complete_shape, visible_surface
from tests.helpers.oracle import OracleNetwork, disk_picture, oracle_model
from tests.helpers.stop_button import files

PLENTY, LITTLE, NONE = 10**9, 1500, SMALLEST_CHUNK - 1  # points that fit
SENTENCE = r"^Memory ran out while [a-z ]+; [a-zA-Z ]+, or close other programs\.$"


class Device:
    """Memory for `room` rows at once; counts how often more was asked of it."""

    def __init__(self, room: int) -> None:
        self.room, self.refused = room, 0

    def take(self, rows: int) -> None:
        if rows > self.room:
            self.refused += 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


@dataclass(frozen=True)
class Ball:
    """A coloured ball of radius 0.8 on a device."""

    device: Device
    bounds: Tensor = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])  # noqa: RUF009 - never changed
    has_color: bool = True

    def inside(self, points: Tensor) -> Tensor:
        self.device.take(len(points))
        return 0.8 - points.norm(dim=-1)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        self.device.take(len(points))
        return (points * 0.5 + 0.5).clamp(0, 1)


class CrampedOracle(OracleNetwork):
    def __init__(self, device: Device) -> None:
        super().__init__()
        self.device = device

    def query(self, points: Tensor, surface, level: float | None = None) -> Tensor:
        self.device.take(points.shape[1])
        return super().query(points, surface, level)


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return extract_mesh(Ball(Device(PLENTY)), 16).mesh


CHUNKED: dict[str, Callable[[Device, Mesh], Tensor]] = {
    "extract mesh": lambda device, mesh: extract_mesh(Ball(device), 24).mesh.vertices,
    "render field": lambda device, mesh: turntable_field(Ball(device), 1, size=64).images,
    "bake texture": lambda device, mesh: bake_texture(mesh, field=Ball(device), size=192).texture,
    "visible surface": lambda device, mesh: (
        visible_surface(oracle_model(CrampedOracle(device)), disk_picture(64, 64, (32, 32), 20)[0]).points
    ),
}


@pytest.mark.parametrize("stage", CHUNKED)
def test_smaller_chunks_give_the_same(stage, mesh):
    small = Device(LITTLE)
    assert torch.equal(CHUNKED[stage](small, mesh), CHUNKED[stage](Device(PLENTY), mesh))
    assert small.refused


@pytest.mark.parametrize("stage", CHUNKED)
def test_not_even_the_smallest_chunk_fits(stage, mesh):
    with pytest.raises(OutOfMemory, match=SENTENCE) as caught:
        CHUNKED[stage](Device(NONE), mesh)
    assert isinstance(caught.value.__cause__, torch.cuda.OutOfMemoryError)


def full(*_, **__) -> None:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory")


IMAGE, MASK = disk_picture(64, 64, (32, 32), 20)
WHOLE: dict[str, tuple[str, Callable]] = {  # the inner function that finds no memory, and the stage
    "segment": ("tests.helpers.oracle.OracleNetwork.predict_dense", lambda m, f: segment(oracle_model(), IMAGE)),
    "depth and normals": (
        "tests.helpers.oracle.OracleNetwork.predict_dense",
        lambda m, f: estimate_depth_normals(oracle_model(), IMAGE, MASK),
    ),
    "visible surface": (
        "tests.helpers.oracle.OracleNetwork.encode",
        lambda m, f: visible_surface(oracle_model(), IMAGE),
    ),
    "extract mesh": ("recon_lib.stages.meshing.extract._surface", lambda m, f: extract_mesh(Ball(Device(PLENTY)), 8)),
    "bake texture": (
        "recon_lib.stages.meshing.texels.rasterize_uv",
        lambda m, f: bake_texture(m, field=Ball(Device(PLENTY)), size=32),
    ),
    "render mesh": ("recon_lib.render.mesh.rasterize", lambda m, f: turntable(m, 1, size=16)),
    "compare meshes": (
        "recon_lib.stages.evaluation.meshes.match_surfaces",
        lambda m, f: compare_meshes(m, m, samples=200),
    ),
    "error mesh": (
        "recon_lib.stages.evaluation.meshes.distance_to_surface",
        lambda m, f: error_mesh(m, m, samples=200),
    ),
    "save mesh": ("recon_lib.stages.meshing.export.encode_glb", lambda m, f: save_mesh(m, f / "new" / "a.glb")),
}


@pytest.mark.parametrize("stage", WHOLE)
def test_stages_that_cannot_be_cut_say_so(stage, mesh, monkeypatch, tmp_path):
    place, run = WHOLE[stage]
    run(mesh, tmp_path / "fits")
    (tmp_path / "full").mkdir()
    monkeypatch.setattr(place, full)
    with pytest.raises(OutOfMemory, match=SENTENCE):
        run(mesh, tmp_path / "full")
    assert not files(tmp_path / "full")


def test_complete_shape_says_so(monkeypatch):
    surface = visible_surface(oracle_model(), IMAGE)
    monkeypatch.setattr(OracleNetwork, "encode", full)
    with pytest.raises(OutOfMemory, match="completing the shape"):
        complete_shape(oracle_model(), surface)


def test_a_mask_of_the_user_does_not_hide_it(monkeypatch):
    """Only `BadInput` of the segmentation may be passed over when the user gave a mask."""
    monkeypatch.setattr(OracleNetwork, "predict_dense", full)
    with pytest.raises(OutOfMemory, match="finding the object"):
        visible_surface(oracle_model(), IMAGE, MASK)


def test_the_command_line_tells_it_and_writes_nothing(monkeypatch, capsys, tmp_path):
    from recon_lib.cli import main
    from recon_lib.commands import reconstruct as command
    from recon_lib.views.photo import save_image

    monkeypatch.setattr(command, "_load", lambda system, name: oracle_model(CrampedOracle(Device(NONE))))
    save_image(IMAGE[0], tmp_path / "photo.png")
    before = files(tmp_path)
    assert main(["reconstruct", str(tmp_path / "photo.png"), "-o", str(tmp_path / "o.glb")]) == 1
    captured = capsys.readouterr()
    assert re.search(SENTENCE, captured.err.strip().splitlines()[-1])
    assert not captured.out
    assert files(tmp_path) == before
