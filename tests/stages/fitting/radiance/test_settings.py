from recon_lib.stages.fitting.radiance.settings import RadianceSettings


def test_upto_keeps_the_coarser_levels():
    settings = RadianceSettings(levels=(16, 32, 64), steps=7)
    assert settings.upto(48).levels == (16, 32, 48)
    assert settings.upto(64).levels == (16, 32, 64)
    assert settings.upto(8).levels == (8,) and settings.upto(8).steps == 7
