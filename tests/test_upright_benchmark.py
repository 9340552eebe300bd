"""Figures of the benchmark of verticals."""

import pytest
import torch

from benchmarks.upright import angles, figures
from recon_lib.cameras.upright import up_from_angles


def test_angles_are_those_between():
    up = up_from_angles(torch.tensor([0.0, 30.0]), torch.zeros(2))
    assert angles(up, up[:1].expand(2, 3)).tolist() == pytest.approx([0, 30], abs=0.05)


def test_what_is_told_stands_beside_level_and_constant():
    true = up_from_angles(torch.tensor([10.0, 20.0, 24.0]), torch.zeros(3))
    told = up_from_angles(torch.tensor([13.0, 20.0, 54.0]), torch.zeros(3))
    row = figures(told, true)
    assert row["told"] == pytest.approx(3, abs=0.05) and row["told_mean"] == pytest.approx(11, abs=0.05)
    assert row["level"] == pytest.approx(20, abs=0.05) and row["constant"] == pytest.approx(2, abs=0.05)
    assert row["worse"] == pytest.approx(1 / 3) and row["pictures"] == 3
