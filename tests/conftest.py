"""What every test needs: the library importable by its own name, and results that do not depend on the machine."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Last on the path: the pack's own `nodes` folder must not win over ComfyUI's nodes.py where a test imports that.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

torch.set_num_threads(min(2, torch.get_num_threads()))
# No deadline: a busy machine would fail. Long runs, marked slow, draw more, and anew each time.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("repeatable")


def pytest_collection_finish() -> None:
    """Forget the namespace that importlib mode made of tests/nodes, for the same reason."""
    module = sys.modules.get("nodes")
    if module is not None and str(ROOT / "tests") in str(getattr(module, "__path__", "")):
        del sys.modules["nodes"]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout's folder."""
    return ROOT


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Same random numbers for each test, whatever ran before it."""
    torch.manual_seed(0)
