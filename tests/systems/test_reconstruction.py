import logging

from recon_lib.systems.reconstruction import timed


def test_timed_counts_and_logs(caplog):
    seconds = {}
    with caplog.at_level(logging.INFO, "recon3d"), timed(seconds, "stage"):
        pass
    assert 0 <= seconds["stage"] < 1
    assert caplog.messages == ["stage: 0.00 s"]
