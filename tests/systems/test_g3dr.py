import pytest

from recon_lib.cli import main
from recon_lib.errors import BadInput
from recon_lib.registry import find_system, load_part
from recon_lib.systems.g3dr import reconstruct
from recon_lib.systems.g3dr_options import Options
from recon_lib.views.photo import save_image
from recon_lib.weights.registry import find_models
from tests.helpers.g3dr import g3dr_model, photo

SMALL = {"resolution": 24, "texture_size": 64}


def test_from_photo_and_depth_to_a_coloured_mesh():
    image, mask, depth = photo(64)
    result = reconstruct(image, g3dr_model(), mask=mask, depth=depth, options=Options(**SMALL))
    assert list(result.seconds) == ["visible surface", "triplane", "extract", "texture"]
    extent = result.mesh.vertices.amax(0) - result.mesh.vertices.amin(0)
    assert 1.2 < float(extent[0] / extent[1]) < 1.6  # the ellipsoid is 1.4 times as wide as high
    assert result.mesh.texture is not None and result.field.has_color


def test_options_are_checked():
    with pytest.raises(BadInput, match="--density-level is 0"):
        Options(density_level=0)


def test_its_row():
    row = find_system("g3dr")
    assert load_part(row.reconstruct) is reconstruct and load_part(row.options) is Options


@pytest.mark.skipif(any(card.system == "g3dr" for card in find_models()), reason="a model is embedded")
def test_without_weights_the_command_says_so(tmp_path, capsys):
    save_image(photo(32)[0][0], tmp_path / "photo.png")
    assert main(["reconstruct", str(tmp_path / "photo.png"), "--system", "g3dr", "-o", str(tmp_path / "o.glb")]) == 2
    assert "No model for g3dr is embedded in this copy; name a .safetensors file" in capsys.readouterr().err
