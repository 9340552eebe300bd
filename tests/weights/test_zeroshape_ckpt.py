"""Reading the published checkpoint, on made-up files of the same structure."""

import numpy as np
import pytest
import torch
from torch import nn

from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.model import ZEROSHAPE, ZeroShapeWConfig
from recon_lib.weights import zeroshape_ckpt
from recon_lib.weights.card import read_card
from recon_lib.weights.zeroshape_ckpt import convert_zeroshape, read_zeroshape


class Foreign:
    """Something that a weights-only reader must refuse."""


def made_up_graph() -> dict[str, torch.Tensor]:
    """813 tensors of the right shapes that share one number each, so the file is small."""
    with torch.device("meta"):
        state = zeroshape_ckpt.published_network().state_dict()
    return {key: torch.full((), 0.5, dtype=value.dtype).expand(value.shape) for key, value in state.items()}


@pytest.fixture(scope="module")
def graph():
    return made_up_graph()


def saved(path, graph, **rest):
    """As the published training code saves: tensors under `graph` beside the training's state."""
    optimizer = {"state": {0: {"step": 3}}, "param_groups": [{"lr": 3e-5, "betas": (0.9, 0.95)}]}
    figures = {"epoch": 2, "iter": 3, "best_val": np.float64(0.25), "best_ep": 1}
    torch.save({**figures, "graph": graph, "optim": optimizer, **rest}, path)
    return path


def test_the_structure_of_the_published_file_loads(tmp_path, graph):
    state = read_zeroshape(saved(tmp_path / "shape.ckpt", graph))
    assert len(state) == 813
    assert state["impl_network.pos_embed"].shape == (1, 197, 256)
    assert state["intr_proj.bias"].tolist() == [0.5] * 3


class TestRefusals:
    def test_foreign_objects(self, tmp_path, graph):
        path = saved(tmp_path / "shape.ckpt", graph, options=Foreign())
        with pytest.raises(BadInput, match="could run code"):
            read_zeroshape(path)

    def test_another_kind_of_file(self, tmp_path):
        (tmp_path / "shape.ckpt").write_text("not a checkpoint")
        with pytest.raises(BadInput, match="is damaged or holds more than weights"):
            read_zeroshape(tmp_path / "shape.ckpt")

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut"])
    def test_damaged(self, tmp_path, content):
        path = tmp_path / "shape.ckpt"
        path.write_bytes(content)
        with pytest.raises(BadInput, match="truncated or no checkpoint"):
            read_zeroshape(path)

    def test_truncated(self, tmp_path, graph):
        path = saved(tmp_path / "shape.ckpt", graph)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(BadInput, match="truncated or no checkpoint"):
            read_zeroshape(path)

    def test_missing_file(self, tmp_path):
        with pytest.raises(BadInput, match="There is no file"):
            read_zeroshape(tmp_path / "nothing.ckpt")

    @pytest.mark.parametrize("content", [[1, 2], {"state_dict": {}}, {"graph": {"epoch": 3}}])
    def test_no_graph(self, tmp_path, content):
        torch.save(content, tmp_path / "shape.ckpt")
        with pytest.raises(BadInput, match="no tensors under 'graph'"):
            read_zeroshape(tmp_path / "shape.ckpt")

    def test_another_network(self, tmp_path, graph):
        partial = {key: value for key, value in graph.items() if not key.startswith("impl_network")}
        with pytest.raises(BadInput, match=r"49 tensors .* the first is impl_network.pos_embed"):
            read_zeroshape(saved(tmp_path / "depth.ckpt", partial))

    def test_another_shape(self, tmp_path, graph):
        with pytest.raises(BadInput, match=r"1 tensors .* intr_proj.bias"):
            read_zeroshape(saved(tmp_path / "shape.ckpt", {**graph, "intr_proj.bias": torch.zeros(4)}))

    def test_nan(self, tmp_path, graph):
        with pytest.raises(BadInput, match=r"NaN or infinite weights in intr_proj.bias"):
            read_zeroshape(saved(tmp_path / "shape.ckpt", {**graph, "intr_proj.bias": torch.full((3,), torch.nan)}))


class TestConversion:
    """With a stand-in for the network, whose 192 million weights need not be written here."""

    @pytest.fixture(autouse=True)
    def small_network(self, monkeypatch):
        monkeypatch.setattr(zeroshape_ckpt, "published_network", lambda: nn.Linear(2, 3))

    def test_round_trip(self, tmp_path):
        linear = nn.Linear(2, 3)
        path = convert_zeroshape(saved(tmp_path / "a.ckpt", linear.state_dict()), tmp_path / "a.safetensors")
        state = read_zeroshape(path)
        assert torch.equal(state["weight"], linear.weight) and torch.equal(state["bias"], linear.bias)

    def test_a_card_comes_with_it(self, tmp_path):
        state = nn.Linear(2, 3).state_dict()
        card = read_card(convert_zeroshape(saved(tmp_path / "a.ckpt", state), tmp_path / "zeroshape.safetensors"))
        assert (card.name, card.system, card.size) == ("zeroshape", "zeroshape-w", "base")
        assert ZeroShapeWConfig.of(card.config) == ZEROSHAPE

    def test_a_refused_source_leaves_nothing(self, tmp_path):
        (tmp_path / "out").mkdir()
        with pytest.raises(BadInput):
            convert_zeroshape(saved(tmp_path / "a.ckpt", nn.Linear(1, 1).state_dict()), tmp_path / "out/a.safetensors")
        assert not list((tmp_path / "out").iterdir())

    def test_target_must_be_safetensors(self, tmp_path):
        with pytest.raises(BadInput, match="safetensors"):
            convert_zeroshape(saved(tmp_path / "a.ckpt", nn.Linear(2, 3).state_dict()), tmp_path / "a.pt")
