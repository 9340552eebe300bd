"""The embedded outpainter with random weights: all but the picture's content is decided by the painter's code."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from recon_lib.errors import BadInput, Interrupted
from recon_lib.files import write_json
from recon_lib.networks.outpainter import Outpainter, OutpainterConfig, make_condition
from recon_lib.progress import Progress
from recon_lib.render.fill import continued
from recon_lib.stages.outpainting.outpaint import outpaint, painter_input
from recon_lib.stages.outpainting.painter_embedded import EmbeddedPainter, load_embedded_painter
from recon_lib.stages.outpainting.painter_plain import nearest_colors
from recon_lib.views.square_crop import SquareCrop
from recon_lib.weights import registry
from recon_lib.weights.card import ModelCard
from recon_lib.weights.registry import LoadedModel
from tests.helpers.outpaint_masks import disc_outpaint_mask
from tests.helpers.stop_button import StopButton, looks_of

TINY = OutpainterConfig(channels=(16, 16), groups=8, head_width=8, side=32, steps=3)


def random_network(config: OutpainterConfig = TINY) -> Outpainter:
    torch.manual_seed(0)
    return Outpainter(config).eval().requires_grad_(False)


def painter(config: OutpainterConfig = TINY, **options) -> EmbeddedPainter:
    card = ModelCard("random", "outpainter", Path("random.safetensors"))
    return EmbeddedPainter(LoadedModel(random_network(config), card), **options)


def written(folder: Path, name: str = "outpainter_mini") -> Path:
    """Random weights and their card, as a folder of models holds them."""
    path = folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in random_network().state_dict().items()}, str(path))
    write_json(path.with_suffix(".json"), {"system": "outpainter", "licence": "none", "config": TINY.to_dict()})
    return path


def test_the_embedded_painter_keeps_what_is_known():
    outpaint_mask = disc_outpaint_mask()
    inputs = painter_input(outpaint_mask, SquareCrop.around(outpaint_mask.silhouettes[0, 0]), 32)
    image, alpha = painter().paint(inputs, seed=1, progress=Progress())
    assert image.shape == (1, 3, 32, 32) and alpha.shape == (1, 1, 32, 32)
    assert image.min() >= 0 and image.max() <= 1
    seen, outside = inputs.seen > 0.5, inputs.seen + inputs.masks == 0
    assert torch.allclose(image * seen, inputs.images * seen, atol=1e-6)
    assert (alpha[seen] == 1).all() and (alpha[outside] == 0).all()
    assert (image.movedim(1, -1)[outside[:, 0]] == 1).all()


def test_the_network_has_the_condition_of_training():
    outpaint_mask, model = disc_outpaint_mask(), painter()
    inputs = painter_input(outpaint_mask, SquareCrop.around(outpaint_mask.silhouettes[0, 0]), 32)
    conditions = []
    model.module.denoise = lambda noisy, t, condition: conditions.append(condition) or torch.zeros_like(noisy)
    model.paint(inputs, progress=Progress())
    layers = (inputs.seen, inputs.masks, inputs.depth, inputs.normals, inputs.focal)
    condition = make_condition(continued(inputs.images, inputs.seen > 0.5), *layers)
    assert len(conditions) == TINY.steps and torch.equal(conditions[0], condition)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("alpha", [0.6, 1.0])
def test_its_colours_are_mixed_with_the_nearest_seen_ones(fraction, alpha):
    """A network that paints everything in one colour, blended with white."""
    one, own = painter(config=replace(TINY, own_color=fraction)), torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1)
    painted = torch.cat([own * alpha + 1 - alpha, torch.full((1, 1, 1, 1), alpha)], 1).expand(1, 4, 32, 32)
    one.module.sample = lambda *_, **__: painted * 2 - 1
    inputs = painter_input(disc_outpaint_mask(), SquareCrop.around(disc_outpaint_mask().silhouettes[0, 0]), 32)
    image, predicted_alpha = one.paint(inputs, progress=Progress())
    nearest = nearest_colors(inputs)
    expected = (fraction * own + (1 - fraction) * nearest) * alpha + 1 - alpha
    paint = (inputs.masks > 0.5).expand_as(image)
    assert torch.allclose(image[paint], expected[paint], atol=1e-5)
    assert torch.allclose(predicted_alpha, torch.tensor(alpha))


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_of_colours_that_is_none_is_reported(share):
    with pytest.raises(BadInput, match="own_color of an outpainter is"):
        OutpainterConfig.of({"own_color": share})


def test_the_seed_decides():
    first, again, other = (outpaint(painter(), disc_outpaint_mask(), seed=seed).image for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_painting_does_not_move_the_global_seed():
    one = painter()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    outpaint(one, disc_outpaint_mask(), seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_painter_can_work_on_a_larger_square():
    assert painter().side == 32 and painter(square=64).side == 64
    assert outpaint(painter(square=64), disc_outpaint_mask()).image.shape == (1, 3, 96, 128)
    for square in (30, 1024):
        with pytest.raises(BadInput, match="multiple of 4 up to 512"):
            painter(square=square)


def test_steps_are_counted_shown_and_can_be_stopped():
    class Seen(Progress):
        pictures = ()

        def report(self, preview) -> None:
            if preview is not None:
                self.pictures = (*self.pictures, preview())

    seen = Seen()
    outpaint(painter(steps=5), disc_outpaint_mask(), progress=seen)
    assert (seen.done, seen.total) == (5, 5) and len(seen.pictures) == 5
    assert all(p.shape == (3, 32, 32) and p.min() >= 0 and p.max() <= 1 for p in seen.pictures)
    looks = looks_of(lambda progress: outpaint(painter(), disc_outpaint_mask(), progress=progress))
    assert looks >= 2 * TINY.steps
    for at in range(1, looks + 1):
        with pytest.raises(Interrupted):
            outpaint(painter(), disc_outpaint_mask(), progress=StopButton(at))


def test_the_network_leaves_the_device_even_when_stopped():
    one, moves = painter(device="cpu:0"), []
    one.module.to = lambda where: moves.append(where) or one.module
    with pytest.raises(Interrupted):
        one.paint(painter_input(disc_outpaint_mask(), SquareCrop(20, 0, 96), 32), progress=StopButton(3))
    assert moves == ["cpu:0", "cpu"]


# -- files ----------------------------------------------------------------------------------------------------


def test_an_outpainter_is_loaded_from_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "EMBEDDED", tmp_path / "none")  # the pack's own comes first
    path = written(tmp_path)
    for name in (None, "outpainter_mini", str(path)):
        loaded = load_embedded_painter(name, (tmp_path,), steps=2)
        assert (loaded.name, loaded.steps, loaded.side) == ("outpainter_mini", 2, 32)
    expected = outpaint(painter(), disc_outpaint_mask(), seed=2)
    assert torch.equal(
        outpaint(load_embedded_painter(None, (tmp_path,)), disc_outpaint_mask(), seed=2).image, expected.image
    )


def test_a_missing_outpainter_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("recon_lib.weights.registry.EMBEDDED", tmp_path / "none")
    with pytest.raises(BadInput, match="No outpainter is embedded"):
        load_embedded_painter()


def test_other_models_are_refused():
    card = ModelCard("shapes", "zeroshape-w", Path("shapes.safetensors"))
    with pytest.raises(BadInput, match="give an outpainter"):
        EmbeddedPainter(LoadedModel(nn.Identity(), card))
