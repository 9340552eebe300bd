"""Foreign depth models: scale and shift found exactly, and tiny real pipelines run from a folder."""

import json

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.stages.single_view.depth_external import aligned_depth, predict
from recon_lib.weights.pipelines import find_pipeline

torch.manual_seed(0)
DEPTH = 2 + torch.rand(1, 1, 12, 16)
MASK = torch.ones_like(DEPTH)


def test_scale_and_shift_of_depth_are_undone():
    torch.testing.assert_close(aligned_depth((DEPTH - 1.3) / 7, "depth", DEPTH, MASK), DEPTH)


def test_scale_and_shift_of_inverse_depth_are_undone():
    torch.testing.assert_close(aligned_depth((1 / DEPTH - 0.1) * 3, "inverse", DEPTH, MASK), DEPTH)


def test_only_the_object_counts_and_the_far_background_stays_finite():
    mask = MASK.clone()
    mask[..., :4] = 0
    values = (1 / DEPTH - 0.1) * 3
    values[..., :4] = -5
    found = aligned_depth(values, "inverse", DEPTH, mask)
    torch.testing.assert_close(found[..., 4:], DEPTH[..., 4:])
    assert torch.isfinite(found).all() and (found[..., :4] > 10 * DEPTH.max()).all()


def square_before_a_wall() -> tuple[torch.Tensor, torch.Tensor]:
    """A mask and z-depth [1,1,40,40] of a slanted plate before a wall."""
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 10:30, 10:30] = 1
    return mask, torch.where(mask > 0, 4 + 0.03 * torch.arange(40.0), 8.0)


def test_what_is_predicted_uncertainly_does_not_flatten_the_depth():
    mask, depth = square_before_a_wall()
    spread = float(depth[mask > 0].std())
    predicted = depth + spread * torch.randn(depth.shape, generator=torch.Generator().manual_seed(2))
    found = aligned_depth(depth / 7 + 1, "depth", predicted, mask)
    assert float(found[mask > 0].std()) == pytest.approx(float(predicted[mask > 0].std()), rel=0.1)


def test_wall_within_the_mask_does_not_count():
    mask, depth = square_before_a_wall()
    leaking = torch.nn.functional.max_pool2d(mask, 3, 1, 1)
    predicted = torch.where(mask > 0, depth, 4.5)  # the network takes it for the object
    found = aligned_depth(3 * depth - 2, "depth", predicted, leaking)
    torch.testing.assert_close(found[mask > 0], depth[mask > 0], rtol=0.01, atol=0)


def test_a_prediction_that_runs_the_other_way_is_overruled_where_the_surroundings_lie_behind():
    mask, depth = square_before_a_wall()
    mistaken = 9 - depth
    found = aligned_depth(1 / depth, "inverse", mistaken, mask)
    assert bool((found[..., 15, 11:29] > found[..., 15, 10:28]).all()), "as the picture has it"
    noise = 0.5 * torch.randn(depth.shape, generator=torch.Generator().manual_seed(4))
    for kind, values in (("depth", 1 / depth), ("inverse", depth), ("depth", 1 / (depth + noise).clamp_min(1))):
        with pytest.raises(BadInput, match="other kind"):
            aligned_depth(values, kind, depth, mask)


@pytest.mark.parametrize(
    ("values", "kind", "mask", "told"),
    [
        (-DEPTH, "depth", MASK, "other kind"),
        (DEPTH, "inverse", MASK, "other kind"),
        (MASK, "depth", MASK, "constant"),
        (DEPTH, "depth", MASK * 0, "mark the object"),
        (DEPTH, "metres", MASK, "choose depth or inverse"),
    ],
)
def test_depth_that_cannot_fit_is_told(values, kind, mask, told):
    with pytest.raises(BadInput, match=told):
        aligned_depth(values, kind, DEPTH, mask)


@pytest.fixture
def tiny_depth_anything(tmp_path):
    transformers = pytest.importorskip("transformers")
    backbone = transformers.Dinov2Config(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=28, patch_size=14,
        out_features=["stage1", "stage2"], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=8, reassemble_factors=[2, 1],
        neck_hidden_sizes=[4, 4], fusion_hidden_size=4, head_hidden_size=4,
    )  # fmt: skip
    folder = tmp_path / "tiny"
    transformers.DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    settings = {"size": {"height": 28, "width": 28}, "keep_aspect_ratio": True, "ensure_multiple_of": 14}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return find_pipeline("tiny", [tmp_path])


def test_a_transformers_folder_runs_and_repeats_itself(tiny_depth_anything):
    images = torch.rand(2, 3, 20, 40)
    first = predict(tiny_depth_anything, images)
    assert first.shape == (2, 1, 20, 40)
    assert torch.equal(first, predict(tiny_depth_anything, images))


def test_a_folder_without_safetensors_is_told(tiny_depth_anything):
    (tiny_depth_anything.path / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="must hold safetensors"):
        predict(tiny_depth_anything, torch.rand(1, 3, 28, 28))


@pytest.mark.slow
def test_a_marigold_folder_gives_unit_normals_and_repeats_itself(tmp_path):
    diffusers, transformers = pytest.importorskip("diffusers"), pytest.importorskip("transformers")
    words = tmp_path / "words"
    words.mkdir()
    (words / "vocab.json").write_text(json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2}))
    (words / "merges.txt").write_text("#version: 0.2\n")
    text = transformers.CLIPTextConfig(
        vocab_size=3, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        max_position_embeddings=8, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=8, out_channels=4, down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",), block_out_channels=(8,), layers_per_block=1, cross_attention_dim=8,
        attention_head_dim=4, norm_num_groups=4,
    )  # fmt: skip
    diffusers.MarigoldNormalsPipeline(
        unet=unet,
        vae=diffusers.AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, latent_channels=4, sample_size=16),
        scheduler=diffusers.LCMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction"),
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=transformers.CLIPTokenizer(
            str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=8
        ),
        prediction_type="normals", default_denoising_steps=2, default_processing_resolution=16,
    ).save_pretrained(tmp_path / "models" / "normals")  # fmt: skip
    folder = find_pipeline("normals", [tmp_path / "models"])
    image = torch.rand(1, 3, 16, 24)
    found = predict(folder, image, seed=3)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(1, 16, 24))
    assert torch.equal(found, predict(folder, image, seed=3))
    assert not torch.equal(found, predict(folder, image, seed=4))
