"""Image metrics: PSNR, SSIM, and LPIPS if its weights are on this machine."""

import logging
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - the name of weights_only's own error, nothing is unpickled

import torch
from torch import Tensor

from ...check import check_finite, check_shape
from ...errors import BadInput
from ...networks.lpips import SMALLEST, Lpips
from ...weights.perceptual import lpips_weights

log = logging.getLogger("recon3d")
SSIM_WINDOW = 11  # pixels, Gaussian (Wang et al. 2004)


def compare_images(
    image: Tensor,  # [V,3,H,W] sRGB 0-1
    truth: Tensor,  # [V,3,H,W] sRGB 0-1
    *,
    folders: Sequence[Path] = (),
) -> dict:
    """Means over the V pairs of psnr (dB), ssim (0-1, windows inside the image only) and lpips (0 = equal), with the
    measured `width` and `height` in pixels: nothing is resized.

    A figure that cannot be computed is None, with the reason in `NAME_reason`. LPIPS weights are searched in `folders`
    (`lpips_alex.safetensors`), then in torch's cache and the lpips package; nothing is downloaded.
    """
    check_shape("image", image, "V", 3, "H", "W")
    check_shape("truth", truth, *image.shape)
    for name, value in (("image", image), ("truth", truth)):
        check_finite(name, value)
    if not len(image):
        raise BadInput("There is no image to compare; connect at least one pair.")
    image, truth = (x.detach().cpu().float().clamp(0, 1) for x in (image, truth))
    figures: dict = {"width": image.shape[-1], "height": image.shape[-2]}
    for name, function in (("psnr", _psnr), ("ssim", _ssim)):
        figures[name], figures[f"{name}_reason"] = function(image, truth)
    figures["lpips"], figures["lpips_reason"] = _lpips(image, truth, folders)
    return figures


def _psnr(image: Tensor, truth: Tensor) -> tuple[float | None, str | None]:
    error = (image.double() - truth.double()).square().mean((1, 2, 3))
    if (error == 0).any():
        return None, "Two images are equal, so their PSNR is infinite."
    return float((-10 * error.log10()).mean()), None


def _ssim(image: Tensor, truth: Tensor) -> tuple[float | None, str | None]:
    from kornia.metrics import ssim

    if min(image.shape[-2:]) < SSIM_WINDOW:
        return None, f"The images are smaller than SSIM's window of {SSIM_WINDOW} pixels."
    return float(ssim(image.double(), truth.double(), SSIM_WINDOW, padding="valid").mean()), None


def _lpips(image: Tensor, truth: Tensor, folders: Sequence[Path]) -> tuple[float | None, str | None]:
    if min(image.shape[-2:]) < SMALLEST:
        return None, f"The images are smaller than {SMALLEST} pixels."
    from safetensors import SafetensorError

    network = Lpips()
    try:
        weights, reason = lpips_weights(folders)
        if weights is None:
            return None, reason
        network.load_state_dict(weights)
    except (OSError, SafetensorError, UnpicklingError) as error:
        log.warning("LPIPS weights: %s", error)
        return None, "The LPIPS weights could not be read; the file is damaged."
    except RuntimeError as error:
        log.warning("LPIPS weights: %s", error)
        return None, "The LPIPS weights are not AlexNet's with LPIPS heads."
    with torch.no_grad():
        return float(network.eval()(image, truth).mean()), None
