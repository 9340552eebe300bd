"""Warnings of the library stand on the node, in the page that started it."""

import logging
import sys
from collections import namedtuple
from types import ModuleType

import pytest
import torch

Context = namedtuple("Context", "prompt_id node_id list_index")


@pytest.fixture
def shown(pack, monkeypatch):
    """What the page was sent: text, node and client."""
    sent = []
    server, utils = ModuleType("server"), ModuleType("comfy_execution.utils")
    page = type("Page", (), {"client_id": "me", "send_progress_text": lambda _, *message: sent.append(message)})
    server.PromptServer = type("PromptServer", (), {"instance": page()})
    utils.get_executing_context = lambda: Context("job", "7", None)
    monkeypatch.setitem(sys.modules, "server", server)
    monkeypatch.setitem(sys.modules, "comfy_execution.utils", utils)
    pack.file("host")._told.clear()
    return sent


def test_a_mask_of_the_background_is_told_on_the_node_until_it_is_right(pack, shown, tiny_model, photo, disc):
    with_mask = {"model": tiny_model, "image": photo}
    pack.run("Recon3D_RegressShape", **with_mask, mask=1 - disc)
    ((text, node, client),) = shown
    assert "is it inverted?" in text and text[0].isupper() and (node, client) == ("7", "me")
    background = pack.file("convert").WHITE_IS_BACKGROUND
    pack.run("Recon3D_RegressShape", **with_mask, mask=1 - disc, meaning=background)
    assert shown[1:] == [("Nothing to note.", "7", "me")]
    pack.run("Recon3D_PrepareMask", image=photo, mask=disc)
    assert len(shown) == 2, "a node that shows nothing is sent nothing"


def test_each_warning_once_and_harmless(pack, shown, monkeypatch):
    def run(cls, **_):
        for text in ("a <b>file</b>", "a <b>file</b>", "another"):
            logging.getLogger("recon3d").warning(text)
        return pack.file("base").io.NodeOutput(0)

    node = pack.nodes["Recon3D_PickCamera"]
    monkeypatch.setattr(node, "run", classmethod(run))
    monkeypatch.setattr(node, "execute", classmethod(pack.file("base").Node.execute.__func__))
    monkeypatch.setattr(pack.file("base"), "check_inputs", lambda *_: None)
    node.execute()
    assert shown[0][0] == "A &lt;b&gt;file&lt;/b&gt;\nAnother"


def test_without_a_page_there_is_the_log(pack, photo, disc, caplog):
    with caplog.at_level(logging.WARNING, "recon3d"):
        pack.run("Recon3D_PrepareMask", image=photo, mask=1 - disc)
    assert "inverted" in caplog.text


@pytest.mark.parametrize("node_id", ["Recon3D_VisibleSurface", "Recon3D_EstimateDepthNormals", "Recon3D_MakeView"])
def test_load_images_mask_as_it_is(pack, tiny_model, photo, disc, node_id):
    if node_id == "Recon3D_MakeView":
        inputs = {"image": photo, "cameras": pack.run("Recon3D_CameraFromFov", image=photo).result[0]}
    else:
        inputs = {"image": photo, "model": tiny_model}
    background = pack.file("convert").WHITE_IS_BACKGROUND
    made = pack.run(node_id, **inputs, mask=1 - disc, meaning=background).result
    views = next(value for value in made if isinstance(value, pack.lib("views.views").Views))
    assert torch.equal(views.masks[:, 0], disc)


def test_a_batch_is_told_what_to_do(pack, tiny_model, photo):
    with pytest.raises(ValueError, match="Rebatch Images"):
        pack.run("Recon3D_RegressShape", model=tiny_model, image=photo.repeat(2, 1, 1, 1))
