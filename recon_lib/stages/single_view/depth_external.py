"""Depth and normals from a local transformers or diffusers model, brought to the scale of a reference depth.

Such models answer up to an unknown scale and shift, some in depth and some in inverse depth (Ranftl et al. 2022,
"Towards Robust Monocular Depth Estimation", eq. 4). The reference is the embedded model's own depth: the two
unknowns are fitted to it over the object, so the result fits the camera that the embedded model estimated.
"""

import json

import torch
import torch.nn.functional as F
from torch import Tensor

from ...check import check_shape
from ...errors import BadInput
from ...progress import Progress
from ...views.prepare import same_proportions
from ...weights.pipelines import PipelineFolder

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ROUNDS, OUTLIER = 4, 2.5  # of the fit, each without what lies so many median deviations off
RING = 0.1  # width of an object's surroundings, parts of the root of its area
FARTHEST = 20.0  # largest depth in units of the reference's median: inverse depth may cross zero far behind the object


def predict(
    folder: PipelineFolder,
    images: Tensor,  # [V,3,H,W] sRGB 0-1
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Tensor:
    """Run the model on each image -> [V,1,H,W] values of `folder.kind`, or [V,3,H,W] unit normals.

    Normals come back in the camera frame (OpenCV axes). float32 on the CPU.
    """
    check_shape("images", images, "V", 3, "H", "W")
    run = _run_transformers if folder.framework == "transformers" else _run_diffusers
    progress = progress or Progress()
    progress.start(f"Run {folder.name}", len(images))
    try:
        values = run(folder, images, seed, device, progress)
    except (OSError, KeyError, json.JSONDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(
            f"Model folder {folder.name} cannot be loaded ({reason}); it must hold safetensors files."
        ) from error
    if not torch.isfinite(values).all():
        raise BadInput(f"{folder.name} answered with NaN values; its files may be damaged.")
    return values


def align_depth_picture(
    picture: Tensor,  # [V,1 or 3,H,W] what a depth node shows
    kind: str,
    images: Tensor,  # [V,3,H,W] whose depth it is
    reference: Tensor,  # [V,1,H,W] z-depth that the network predicts
    masks: Tensor,  # [V,1,H,W]
) -> Tensor:
    """A depth node's picture as z-depth [V,1,H,W] that fits the network's camera; see `aligned_depth`.

    A picture of another size is scaled if its proportions agree, without mixing near and far.
    """
    (rows, columns), (height, width) = picture.shape[-2:], images.shape[-2:]
    if not same_proportions((rows, columns), (height, width)) or len(picture) != len(images):
        sizes = f"The depth picture is {columns}x{rows} and the image {width}x{height}"
        raise BadInput(f"{sizes}; give the depth of this very image.")
    if (rows, columns) != (height, width):
        picture = F.interpolate(picture, (height, width), mode="nearest-exact")
    return aligned_depth(picture.mean(1, keepdim=True), kind, reference, masks)


def aligned_depth(
    values: Tensor,  # [V,1,H,W]
    kind: str,
    reference: Tensor,  # [V,1,H,W] z-depth, 0 = unknown
    masks: Tensor,  # [V,1,H,W] 1 = object
) -> Tensor:
    """z-depth [V,1,H,W] > 0 in the reference's scale. kind: "depth" or "inverse".

    Over the object, values get the spread and the mean of the reference's, of the inverse ones for `inverse`; see
    `_line`. Raises `BadInput` where they say that the object's near side is far, and the object behind what is around.
    """
    check_shape("values", values, "V", 1, "H", "W")
    check_shape("reference", reference, *values.shape)
    check_shape("masks", masks, *values.shape)
    if kind not in ("depth", "inverse"):
        raise BadInput(f"'{kind}' is no kind of depth; choose depth or inverse.")
    return torch.stack([_aligned(*each, kind) for each in zip(values, reference, masks, strict=True)])


def _aligned(values: Tensor, reference: Tensor, mask: Tensor, kind: str) -> Tensor:
    known = (mask > 0.5) & (reference > 0)
    if int(known.sum()) < 16:
        raise BadInput("The mask leaves fewer than 16 pixels with depth; mark the object in it.")
    target = reference[known].double()
    source = values[known].double()
    if kind == "inverse":
        target = 1 / target
    if float((source - source.mean()).square().mean().sqrt()) < 1e-6 * float(source.abs().mean() + 1e-12):
        raise BadInput("The depth picture is constant over the object; connect the output of a depth node.")
    scale, offset, correlation = _line(source, target)
    if correlation < 0 and _behind_surroundings(values, mask, kind):
        raise BadInput("The depth picture runs against the object's depth: choose the other kind, or invert it.")
    fitted = values.double() * scale + offset
    median = reference[known].median().double()
    if kind == "inverse":
        return (1 / fitted.clamp_min(1 / (FARTHEST * median))).float()
    return fitted.clamp(1e-3 * median, FARTHEST * median).float()


def _line(source: Tensor, target: Tensor) -> tuple[float, float, float]:
    """Scale > 0 and offset that bring `source` [N] to the spread and the mean of `target` [N]; their correlation.

    Least squares would flatten: what a network predicts is uncertain, and the more so the less it rises with the true
    depth. Scale and offset are those without the pixels that fit worst, such as background within the mask; the
    correlation is that of all.
    """
    keep = torch.ones_like(source, dtype=torch.bool)
    scale = offset = correlation = 0.0
    for number in range(ROUNDS):
        x, y = source[keep] - source[keep].mean(), target[keep] - target[keep].mean()
        spread = x.square().sum().sqrt(), y.square().sum().sqrt()
        if min(map(float, spread)) < 1e-12:
            break
        scale = float(spread[1] / spread[0])
        if number == 0:
            correlation = float((x * y).sum() / (spread[0] * spread[1]))
        offset = float(target[keep].mean() - scale * source[keep].mean())
        deviation = (target - scale * source - offset).abs()
        keep = deviation <= OUTLIER * deviation[keep].median() + 1e-9
    return scale, offset, correlation


def _behind_surroundings(values: Tensor, mask: Tensor, kind: str) -> bool:
    """Whether the object [1,H,W] lies behind what is beside it, if the values are of that kind; True if nothing is."""
    solid = mask > 0.5
    reach = 2 * round(RING * float(solid.sum()) ** 0.5) + 3
    ring = (F.max_pool2d(solid[None].float(), reach, 1, reach // 2)[0] > 0) & ~solid
    if not ring.any():
        return True
    beyond = float(values[solid].median() - values[ring].median())
    return beyond >= 0 if kind == "depth" else beyond <= 0


def _run_transformers(
    folder: PipelineFolder, images: Tensor, seed: int, device: torch.device | str, progress: Progress
) -> Tensor:
    from transformers import AutoModelForDepthEstimation

    settings = folder.path / "preprocessor_config.json"
    settings = json.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
    network = AutoModelForDepthEstimation.from_pretrained(folder.path, local_files_only=True, use_safetensors=True)
    network = network.eval().to(device)
    mean = torch.tensor(settings.get("image_mean", IMAGENET_MEAN)).view(3, 1, 1)
    deviation = torch.tensor(settings.get("image_std", IMAGENET_STD)).view(3, 1, 1)
    size = _network_size(images.shape[-2:], settings)
    pixels = F.interpolate(images, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    answers = []
    with torch.no_grad():
        for one in pixels:
            answers.append(network(((one - mean) / deviation)[None].to(device)).predicted_depth)
            progress.step()
    values = torch.cat(answers).float().cpu()[:, None]
    return F.interpolate(values, size=images.shape[-2:], mode="bilinear", align_corners=False)


def _network_size(size: tuple[int, int], settings: dict) -> tuple[int, int]:
    """(height, width) that the network wants for a picture of `size`, from its preprocessor settings."""
    wanted = settings.get("size", {})
    multiple = int(settings.get("ensure_multiple_of") or 1)
    rows, columns = int(wanted.get("height", 384)), int(wanted.get("width", 384))
    if not settings.get("keep_aspect_ratio"):
        return rows, columns
    by_height, by_width = rows / size[0], columns / size[1]
    scale = by_height if abs(1 - by_height) < abs(1 - by_width) else by_width
    return tuple(max(round(side * scale / multiple), 1) * multiple for side in size)


def _run_diffusers(
    folder: PipelineFolder, images: Tensor, seed: int, device: torch.device | str, progress: Progress
) -> Tensor:
    import diffusers

    pipeline_class = getattr(diffusers, json.loads((folder.path / "model_index.json").read_text())["_class_name"])
    pipeline = pipeline_class.from_pretrained(folder.path, local_files_only=True, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline = pipeline.to(device)
    answers = []
    with torch.random.fork_rng(devices=[]):  # some schedulers draw from the global generator
        for one in images:
            progress.check()
            torch.manual_seed(seed)
            generator = torch.Generator().manual_seed(seed)
            answers.append(pipeline(one[None], generator=generator, output_type="pt").prediction.float().cpu())
            progress.step()
    values = torch.cat(answers)
    if folder.kind == "normals":  # Marigold: x right, y up, z toward the viewer
        values = F.normalize(values * values.new_tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1), dim=1)
    return values
