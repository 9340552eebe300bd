"""Validation of a focal network on depth maps of unseen objects."""

from collections.abc import Callable

import torch

from ...networks.focal import FocalNetwork
from .dataset import DepthCrops

SEED, BATCH = 5, 64
LONGEST_LOG = 0.9  # of the assumed focal length over the true one


def validate(network: FocalNetwork, data: DepthCrops, check: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Error of the log focal length that is found from a wrong one: root mean square and median of its size, and of
    those that it begins with.
    """
    generator = torch.Generator().manual_seed(SEED)
    wrong = LONGEST_LOG * (2 * torch.rand(len(data), generator=generator) - 1)
    device, errors = next(network.parameters()).device, []
    for rows in torch.arange(len(data)).split(BATCH):
        check()
        batch = {name: values.to(device) for name, values in data.batch(rows).items()}
        found = network.find(batch["depth"], batch["mask"], batch["focal"] * wrong[rows].to(device).exp())
        errors.append((found / batch["focal"]).log().cpu())
    error = torch.cat(errors)
    figures = {"rms": error.square().mean().sqrt(), "median": error.abs().median()}
    figures |= {"rms_before": wrong.square().mean().sqrt(), "median_before": wrong.abs().median()}
    return {name: round(float(value), 4) for name, value in figures.items()}
