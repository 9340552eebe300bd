"""The loop on a picture of a disk, with a network that takes every disk for a ball."""

from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput, Interrupted, OutOfMemory
from recon_lib.progress import Progress
from recon_lib.provenance import Provenance
from recon_lib.stages.fitting.checkpoint import remove_checkpoint
from recon_lib.stages.fitting.sdf_grid.fit import GridFit
from recon_lib.stages.fitting.sdf_grid.settings import FitLevel, FitSettings
from recon_lib.stages.outpainting import mask as mask_stage
from recon_lib.stages.outpainting.outlines import PAINTED, SURFACE
from recon_lib.stages.outpainting.painter_plain import PlainPainter
from recon_lib.systems.pop3d import learning
from recon_lib.systems.pop3d import loop as pop3d
from recon_lib.systems.pop3d.loop import Loop, Options, Reconstruction, reconstruct
from tests.helpers.oracle import RED, disk_picture, fit_ball, oracle_model

SETTINGS = FitSettings(levels=(FitLevel(20, 3, (0.9, 0.4)),), refit_rounds=1, side=32, rays=1024, batch=1024)
OPTIONS = Options(cameras=3, side=32, resolution=24, texture_size=32, settings=SETTINGS)


@pytest.fixture(scope="module", autouse=True)
def coarse():
    """Fields are looked at coarsely, which is what takes the time at this size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mask_stage, "RESOLUTION", 24)
        yield


def grown(checkpoint=None, progress: Progress | None = None, painter=None, **changes) -> Reconstruction:
    options, painter = replace(OPTIONS, **changes), painter or PlainPainter(32)
    image = disk_picture(120, 150, (80, 60), 40)[0]
    return reconstruct(image, oracle_model(), painter, options=options, checkpoint=checkpoint, progress=progress)


@pytest.fixture(scope="module")
def result(coarse) -> Reconstruction:
    return grown()


def test_a_disk_becomes_a_red_ball(result):
    centre, radius = fit_ball(result.mesh.vertices)
    off = (result.mesh.vertices - centre).norm(dim=1) / radius - 1
    assert float(off.abs().mean()) < 0.06
    assert float(radius) == pytest.approx(1, abs=0.1)
    red = result.mesh.texture.flatten(1).median(1).values
    torch.testing.assert_close(red, torch.tensor(RED), rtol=0, atol=0.08)


def test_views_join_with_their_provenance(result):
    assert len(result.views) == 3
    assert len(result.outpaint_masks) == 2
    codes = result.views.provenance[:, 0]
    assert set(codes[0].unique().tolist()) == {Provenance.NONE, Provenance.OBSERVED}
    for view, outpaint_mask in zip(codes[1:], result.outpaint_masks, strict=True):
        on = view != Provenance.NONE
        assert torch.equal((view == Provenance.INFERRED), (outpaint_mask.seen[0, 0] > 0.5) & on)
        assert (view == Provenance.OUTPAINTED).any()
    x, _, z = result.views.cameras.position.T
    assert torch.rad2deg(torch.atan2(x, z)).round().int().tolist() == [0, 45, -45]


def test_what_was_seen_is_not_repainted(result):
    for i, outpaint_mask in enumerate(result.outpaint_masks):
        seen = (outpaint_mask.seen[0, 0] > 0.5) & (result.views.masks[i + 1, 0] > 0.5)
        assert torch.equal(result.views.images[i + 1][:, seen], outpaint_mask.images[0][:, seen])


class Stop(Progress):
    """Stopped at the n-th fit."""

    def __init__(self, fits: int) -> None:
        super().__init__()
        self.fits = fits

    def start(self, title: str, total: int) -> None:
        super().start(title, total)
        self.fits -= title == "Fit VolSDF"

    def check(self) -> None:
        if self.fits == 0:
            raise Interrupted


def test_a_loop_that_was_cut_off_goes_on_with_the_same_result(result, tmp_path, monkeypatch):
    kept, begun = tmp_path / "loop", []
    with pytest.raises(Interrupted):
        grown(kept, Stop(3))
    assert kept.is_file()
    original = Loop.grow
    monkeypatch.setattr(
        Loop, "grow", lambda loop, at, camera: begun.append(len(at.views)) or original(loop, at, camera)
    )
    again = grown(kept)
    assert begun == [2]  # the first painted view was kept
    assert torch.equal(again.mesh.vertices, result.mesh.vertices)
    assert torch.equal(again.views.images, result.views.images)
    begun.clear()
    finished = grown(kept)
    assert not begun and torch.equal(finished.mesh.vertices, result.mesh.vertices), "kept until the caller is done"
    remove_checkpoint(kept)
    assert not list(tmp_path.iterdir())


def test_a_state_of_more_cameras_is_not_taken_for_fewer(result, tmp_path):
    grown(tmp_path / "loop")
    assert len(grown(tmp_path / "loop", cameras=2).views) == 2


def test_seeds_wrap_around(tmp_path):
    """At the largest one that a generator takes."""
    assert len(grown(cameras=2, seed=2**64 - 1).views) == 2


def test_out_of_memory_in_the_loop_is_told_and_nothing_is_lost(result, tmp_path, monkeypatch):
    """At the second painted view; with memory again, it goes on from the first one."""
    kept, advance, steps = tmp_path / "loop", GridFit.advance, []

    def full(fit: GridFit) -> float:
        steps.append(len(fit.views))
        if steps[-1] == 3:
            raise torch.OutOfMemoryError
        return advance(fit)

    monkeypatch.setattr(GridFit, "advance", full)
    with pytest.raises(OutOfMemory, match="fitting the views"):
        grown(kept)
    assert max(steps) == 3 and kept.is_file()
    monkeypatch.setattr(GridFit, "advance", lambda fit: steps.append(-len(fit.views)) or advance(fit))
    again = grown(kept)
    assert {step for step in steps if step < 0} == {-3}
    assert torch.equal(again.mesh.vertices, result.mesh.vertices)


@pytest.mark.parametrize(("outline", "same"), [(SURFACE, True), (PAINTED, False)])
def test_the_outline_is_the_surfaces_or_the_painters(outline, same):
    """A painter that draws nothing but a dot: only its word makes the ball lose its sides."""

    class Dot(PlainPainter):
        def paint(self, inputs, **told):
            image, alpha = super().paint(inputs, **told)
            alpha = torch.zeros_like(alpha)
            alpha[..., 14:18, 14:18] = 1
            return image, alpha

    found = grown(painter=Dot(32), cameras=2, outline=outline)
    lost = (
        (found.outpaint_masks[0].depth > 0)
        & (found.outpaint_masks[0].silhouettes > 0.5)
        & (found.views.masks[1:] < 0.5)
    )
    assert (float(lost.sum()) < 0.05 * float((found.outpaint_masks[0].depth > 0).sum())) == same


class Shade(PlainPainter):
    """Paints all the darker, the more views it learned; its file holds how many they are."""

    def __init__(self, views: int = 0) -> None:
        super().__init__(32)
        self.views = views

    def paint(self, inputs, **told):
        image, alpha = super().paint(inputs, **told)
        return image * (1 - 0.1 * self.views * alpha), alpha


def test_a_painter_that_learns_goes_on_as_it_would_have(tmp_path, monkeypatch):
    """Cut off before the last view is painted, with and without the file of what was learned."""

    def personalize(painter, views, target, **_):
        assert painter.views == 0, "each lesson begins with the untuned painter"
        lessons.append(len(views))
        target.write_text(str(len(views)))
        return Shade(len(views))

    lessons = []
    monkeypatch.setattr(learning, "personalize", personalize)
    monkeypatch.setattr(learning, "with_lora", lambda _, target: Shade(int(target.read_text())))
    monkeypatch.setattr(pop3d, "usual_settings", lambda _: None)
    told = {"painter": Shade(), "cameras": 4, "personalize": 2}
    whole = grown(**told)
    assert lessons == [1, 3]
    assert not torch.equal(whole.views.images, grown(**{**told, "personalize": 0}).views.images)
    for lost, again in ((False, [1, 3]), (True, [1, 1, 3])):
        lessons.clear()
        with pytest.raises(Interrupted):
            grown(tmp_path / "loop", Stop(3), **told)
        (kept,) = tmp_path.glob("*.safetensors")
        if lost:
            kept.unlink()
        result = grown(tmp_path / "loop", **told)
        assert lessons == again
        assert torch.equal(result.views.images, whole.views.images)
        remove_checkpoint(tmp_path / "loop")
        assert not list(tmp_path.iterdir())


def test_a_painter_that_cannot_learn_is_told_before_the_work():
    with pytest.raises(BadInput, match="no network to train"):
        grown(personalize=1)


def test_only_a_loop_with_the_same_result_goes_on_from_it(result):
    def key(views=result.views, **changes) -> str:
        return Loop(oracle_model(), PlainPainter(32), replace(OPTIONS, **changes), "cpu", Progress()).key(views)

    assert key(cameras=8, resolution=64) == key()
    others = [key(prompt="a blue ball"), key(seed=1), key(side=64), key(result.views[0]), key(personalize=2)]
    assert len({key(), *others}) == 6


def test_what_a_painter_learned_before_is_part_of_the_key(result, tmp_path):
    def key() -> str:
        painter = PlainPainter(32)
        painter.lora = str(tmp_path / "x.safetensors")
        return Loop(oracle_model(), painter, OPTIONS, "cpu", Progress()).key(result.views[:1])

    keys = []
    for content in (b"a", b"b"):
        (tmp_path / "x.safetensors").write_bytes(content)
        keys.append(key())
    assert keys[0] != keys[1]


def test_one_camera_paints_nothing():
    alone = grown(cameras=1)
    assert (len(alone.views), alone.outpaint_masks) == (1, ())
    assert len(alone.mesh.faces)
