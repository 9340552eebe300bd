"""The lens under which a user's depth and the relief that the network sees agree.

Relief is log depth times focal length, and nearly all that a network sees of depth in a picture without knowing the
lens; a depth map tells log depth. The focal length is what lies between the two. On the development set its log is
found with a mean error of 0.00 +- 0.40, and +- 0.25 where relief and depth are alike (correlation above 0.8); from the
network's normals, compared with the depth's under each focal length, it came out 0.78 +- 0.59 too short.
"""

import logging
import math

import torch
from torch import Tensor

from ...networks.contracts import InputSpec
from .lens import default_lens, fov_of
from .object_crop import CropPrediction

log = logging.getLogger("recon3d")
ROUNDS = 4  # of the fit, each without the pixels that fitted worst in the one before
OUTLIER = 2.5  # times the median deviation
LARGEST_FACTOR = 2.5  # between the focal length found and the default one, up or down
MIN_PIXELS = 32  # of the network


def lens_from_depth(prediction: CropPrediction, depth: Tensor, spec: InputSpec) -> Tensor:
    """Lens [1,3,3] of the photo with z-depth [1,1,H,W] (any scale, 0 = not known), of whose crop that is a prediction.

    Log focal lengths of evidence and default are averaged, the evidence weighted by the root of the correlation between
    depth and relief: on the development set the error is 0.34 (root mean square) so, 0.38 with the correlation itself,
    0.45 with its square, 0.40 with the evidence alone and 0.73 without. What is assumed is logged.
    """
    height, width = depth.shape[-2:]
    lens = default_lens(height, width)
    values, coverage = prediction.crop.crop_masked(depth, (depth > 0).float(), spec.size)
    on = coverage > 0.9
    if int(on.sum()) >= MIN_PIXELS:
        seen = prediction.prediction.dense.depth.cpu()[on].double().clamp_min(1e-6).log()
        focal = float(prediction.prediction.intrinsics[0, 0, 0]) * prediction.crop.side / spec.size
        scale, weight = relief_scale(values[on].double().clamp_min(1e-6).log(), seen)
        change = math.log(scale * focal / float(lens[0, 0, 0]))
        change = weight * min(max(change, -math.log(LARGEST_FACTOR)), math.log(LARGEST_FACTOR))
        lens[:, 0, 0] *= math.exp(change)
        lens[:, 1, 1] *= math.exp(change)
    log.info("the depth came without a lens: %.0f degrees over the longer side assumed", fov_of(lens, height, width))
    return lens


def relief_scale(true: Tensor, predicted: Tensor) -> tuple[float, float]:
    """Factor s with s true = predicted for log depths [N] up to an offset, and its weight 0-1; robust to outliers.

    The error is the prediction's, and a trained network predicts means: so truth is regressed on the prediction, which
    has no bias then, not the prediction on the truth.
    """
    keep = torch.ones_like(true, dtype=torch.bool)
    slope = offset = correlation = 0.0
    for _ in range(ROUNDS):
        x, y = predicted[keep] - predicted[keep].mean(), true[keep] - true[keep].mean()
        spread = float(x.square().sum() * y.square().sum())
        if spread < 1e-12:
            return 1.0, 0.0
        shared = float((x * y).sum())
        slope, correlation = shared / float(x.square().sum()), shared / spread**0.5
        offset = float(true[keep].mean() - slope * predicted[keep].mean())
        deviation = (true - slope * predicted - offset).abs()
        keep = deviation <= OUTLIER * deviation.median() + 1e-9
    return (1 / slope, correlation**0.5) if slope > 0 else (1.0, 0.0)
