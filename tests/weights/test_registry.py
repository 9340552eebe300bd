import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from recon_lib import networks
from recon_lib.errors import BadInput
from recon_lib.weights import registry
from recon_lib.weights.card import ModelCard, card_markdown, file_sha256, read_card
from recon_lib.weights.registry import find_models, load_model

CARD = {
    "system": "test-net",
    "size": "mini",
    "licence": "CC0-1.0",
    "config": {"width": 4},
    "metrics": {"clean": {"F": 0.5}},
}


WRONG_FACTS = [
    {"config": None}, {"config": []}, {"config": "x"}, {"config": {}}, {"config": {"width": None}},
    {"config": {"width": -1}},
    {"config": {"width": "4"}}, {"config": {"width": 10**9}}, {"config": {"width": 1e30}}, {"config": {"width": [4]}},
    {"config": {"width": 10**400}}, {"config": {"width": float("nan")}}, {"system": None}, {"system": ["test-net"]},
    {"system": "x" * 10**6}, {"size": 3}, {"licence": {}}, {"parameters": -1}, {"parameters": "many"}, {"metrics": []},
    {"metrics": {"F": float("inf")}}, {"licence": "a\0b"}, {"config": {"width": "x" * 10**6}},
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["width", "a"]), inner, max_size=2),
    max_leaves=5,
)


def build(system: str, config: dict) -> nn.Module:
    """Stands for `networks.build`: a network that any test can fill."""
    if system != "test-net":
        raise BadInput("No such system.")
    return nn.Sequential(nn.Linear(3, config["width"]), nn.BatchNorm1d(config["width"]))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A model folder with one good half-precision model, and nothing embedded."""
    monkeypatch.setattr(networks, "build", build, raising=False)
    monkeypatch.setattr(registry, "EMBEDDED", tmp_path / "embedded")
    models = tmp_path / "models"
    models.mkdir()
    write(models / "good.safetensors")
    return models


def write(path: Path, card: dict | None = CARD, state: dict | None = None) -> Path:
    state = build("test-net", {"width": 4}).state_dict() if state is None else state
    save_file({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, str(path))
    if card is not None:
        path.with_suffix(".json").write_text(json.dumps(card))
    return path


class TestFind:
    def test_embedded_models_come_first_and_win(self, folder, monkeypatch):
        (folder / "sub").mkdir()
        write(folder / "sub" / "more.safetensors")
        embedded = folder.parent / "embedded"
        embedded.mkdir()
        write(embedded / "good.safetensors")
        cards = find_models([folder])
        assert [card.name for card in cards] == ["good", "more"]
        assert cards[0].path.parent == embedded

    def test_other_programs_models_are_passed_over(self, folder):
        write(folder / "sdxl.safetensors", card=None)
        write(folder / "foreign.safetensors", card={"some": "json"})
        (folder / "pickled.ckpt").write_bytes(b"\x80\x02")
        assert [card.name for card in find_models([folder, folder / "missing"])] == ["good"]

    def test_card_says_what_the_file_is(self, folder):
        card = find_models([folder])[0]
        assert (card.system, card.size, card.licence) == ("test-net", "mini", "CC0-1.0")
        assert card.bytes == (folder / "good.safetensors").stat().st_size
        assert card.sha256 is None
        assert card.with_sha256().sha256 == file_sha256(card.path)


class TestLoad:
    @pytest.mark.parametrize("spelling", ["good", "good.safetensors", "path"])
    def test_by_name_and_by_path(self, folder, spelling):
        name = str(folder / "good.safetensors") if spelling == "path" else spelling
        assert load_model(name, [folder]).card.name == "good"

    def test_module_is_ready_to_answer(self, folder):
        loaded = load_model("good", [folder])
        assert not loaded.module.training
        assert all(p.dtype == torch.float32 and not p.requires_grad for p in loaded.module.parameters())
        assert loaded.card.parameters == 3 * 4 + 4 + 4 + 4
        assert loaded.card.sha256 == file_sha256(folder / "good.safetensors")

    def test_weights_are_the_files(self, folder):
        state = {k: torch.full_like(v, 0.5) for k, v in build("test-net", {"width": 4}).state_dict().items()}
        write(folder / "half.safetensors", state=state)
        assert (load_model("half", [folder]).module[0].weight == 0.5).all()

    def test_the_callers_random_numbers_are_left_alone(self, folder):
        torch.manual_seed(7)
        wanted = torch.rand(3)
        torch.manual_seed(7)
        load_model("good", [folder])
        assert torch.equal(torch.rand(3), wanted)

    def test_inside_inference_mode_weights_can_still_be_trained(self, folder):
        with torch.inference_mode():
            module = load_model("good", [folder]).module
        assert not module[0].weight.is_inference()
        module.requires_grad_(True)(torch.rand(2, 3)).sum().backward()


class TestRefusals:
    def test_unknown_name_lists_what_there_is(self, folder):
        with pytest.raises(BadInput, match="no model 'zebra'; available: good"):
            load_model("zebra", [folder])

    def test_nothing_there_at_all(self, folder):
        with pytest.raises(BadInput, match="none at all"):
            load_model("zebra")

    @pytest.mark.parametrize("ending", [".ckpt", ".pt", ".pth", ".bin"])
    def test_pickled_files_are_never_opened(self, folder, ending):
        path = folder / f"evil{ending}"
        torch.save({"w": torch.zeros(1)}, path)
        with pytest.raises(BadInput, match="can run code when opened"):
            load_model(str(path))

    def test_pickled_file_in_disguise(self, folder):
        path = write(folder / "disguised.safetensors")
        torch.save({"w": torch.zeros(1)}, path)
        with pytest.raises(BadInput, match="truncated or no safetensors"):
            load_model(str(path))

    @pytest.mark.parametrize("kept", [0, 5, 60, -1])
    def test_truncated(self, folder, kept):
        path = folder / "good.safetensors"
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(BadInput, match=r"good\.safetensors is truncated"):
            load_model("good", [folder])

    def test_foreign_architecture_names_a_few_keys(self, folder):
        state = {"0.weight": torch.zeros(5, 3), "0.bias": torch.zeros(4), "a": torch.zeros(1)}
        write(folder / "foreign.safetensors", state=state)
        with pytest.raises(BadInput, match=r"missing \(1\.weight, 1\.bias, …\)") as caught:
            load_model("foreign", [folder])
        assert "1 unexpected (a)" in str(caught.value)
        assert "1 of another shape (0.weight)" in str(caught.value)

    def test_nan_weights(self, folder):
        state = build("test-net", {"width": 4}).state_dict()
        state["0.bias"] = state["0.bias"] * torch.nan
        write(folder / "nan.safetensors", state=state)
        with pytest.raises(BadInput, match=r"NaN or infinite weights in 0\.bias"):
            load_model("nan", [folder])

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (None, "has no card"),
            ("{", "is not JSON"),
            ("[" * 100_000, "nested too deeply"),
            (" " * (5 << 20), "more than 4 MB"),
            ("[]", "lacks system, licence, config"),
            ('{"system": "x", "config": {}}', "lacks licence"),
        ],
    )
    def test_damaged_card(self, folder, text, sentence):
        path = write(folder / "uncarded.safetensors", card=None)
        if text is not None:
            path.with_suffix(".json").write_text(text)
        with pytest.raises(BadInput, match=sentence):
            load_model(str(path))

    @pytest.mark.parametrize("change", WRONG_FACTS)
    def test_facts_of_another_kind(self, folder, change):
        """In a sentence; and a list of all models passes the card over."""
        path = write(folder / "odd.safetensors", card={**CARD, **change})
        with pytest.raises(BadInput) as caught:
            load_model(str(path))
        assert str(caught.value).endswith(".") and len(str(caught.value)) < 400
        (folder / "good.safetensors").unlink()
        assert [card.name for card in find_models([folder])] in ([], ["odd"])

    @given(value=VALUES, name=st.sampled_from(sorted(ModelCard.__dataclass_fields__)))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_any_value_of_any_fact(self, folder, value, name):
        path = write(folder / "any.safetensors", card={**CARD, name: value})
        try:
            page, message = card_markdown(load_model(str(path)).card), ""
        except BadInput as error:
            page, message = "# any", str(error)
        assert page.startswith("# any") and len(message) < 400

    def test_complex_weights(self, folder):
        state = build("test-net", {"width": 4}).state_dict()
        save_file({**state, "0.bias": torch.zeros(4, dtype=torch.complex64)}, str(write(folder / "c.safetensors")))
        with pytest.raises(BadInput, match=r"complex numbers in 0\.bias"):
            load_model("c", [folder])

    def test_whole_numbers_for_weights(self, folder):
        state = build("test-net", {"width": 4}).state_dict()
        save_file({**state, "0.bias": torch.zeros(4, dtype=torch.int32)}, str(write(folder / "i.safetensors")))
        with pytest.raises(BadInput, match=r"1 of another kind \(0\.bias\)"):
            load_model("i", [folder])

    @pytest.mark.parametrize("name", ["x" * 300, "a\0b", "\ud800", "x" * 10**6, "/" + "x" * 300])
    def test_names_that_no_file_has(self, folder, name):
        for odd in (name, f"{name}.safetensors", f"{name}.ckpt"):
            with pytest.raises(BadInput) as caught:
                load_model(odd, [folder])
            assert len(str(caught.value)) < 10**4


def test_card_as_a_page(folder):
    page = card_markdown(read_card(folder / "good.safetensors"))
    assert page.startswith("# good\n")
    assert "### clean\n\n| | F |\n|---|---:|\n|  | 0.5 |\n" in page
    assert file_sha256(folder / "good.safetensors") in page


def test_a_benchmark_is_one_table_and_undefined_figures_are_dashes(folder):
    card = read_card(folder / "good.safetensors")
    runs = {"clean": {"model": {"IoU": 0.91234, "F": None}, "sphere": {"F": float("nan"), "a|b": 3}}, "all": {"F": 0.0}}
    page = card_markdown(replace(card, metrics={"loss": 0.25, "benchmark (40 objects)": runs}))
    _, measured = page.split("## Measured\n")
    assert measured.startswith(
        "\n| | loss |\n|---|---:|\n|  | 0.25 |\n"
        "\n### benchmark (40 objects)\n"
        "\n| | IoU | F | a/b |\n|---|---:|---:|---:|\n"
        "| clean · model | 0.9123 | – | – |\n| clean · sphere | – | – | 3 |\n| all | – | 0 | – |\n"
    )


@pytest.mark.parametrize("card", find_models(), ids=lambda card: card.name)
class TestEmbedded:
    def test_loads(self, card):
        assert load_model(card.name).card.parameters == card.parameters

    def test_card_is_complete(self, card):
        assert card.licence
        assert card.trained_on
        assert card.source
        assert card.metrics
        assert card.size in ("mini", "base")

    def test_page_is_up_to_date(self, card, repo_root):
        """Made by `python -m recon_lib models --pages docs/models`."""
        page = (repo_root / "docs" / "models" / f"{card.name}.md").read_text(encoding="utf-8")
        assert page == card_markdown(card)


def test_embedded_models_stay_small():
    assert sum(card.bytes for card in find_models()) < 80e6
