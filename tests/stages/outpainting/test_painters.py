import pytest

from recon_lib.errors import BadInput
from recon_lib.stages.outpainting.painter_embedded import EmbeddedPainter
from recon_lib.stages.outpainting.painter_plain import PlainPainter
from recon_lib.stages.outpainting.painters import load_painter


def test_painters_by_name():
    assert isinstance(load_painter("plain"), PlainPainter)
    assert isinstance(load_painter("embedded"), EmbeddedPainter)


def test_a_folder_that_cannot_paint(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "MarigoldDepthPipeline"}')
    with pytest.raises(BadInput, match="no pipeline that can paint"):
        load_painter(str(folder))
