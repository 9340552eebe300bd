# make demo   the shipped photo becomes out/demo.glb, with a sheet of all stages in out/demo.png
# make test   style, types and the tests
#
# Both make .venv first; where PYTHON can already import torch (ComfyUI's own Python), that torch is used.
# On Linux the plain package index brings torch with CUDA; for the much smaller CPU build:
#   make demo TORCH_INDEX=<the address of PyTorch's index of CPU wheels>

PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
DEMO_PHOTO ?= assets/photos/buddha_side.jpg

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test slow cards clean

demo: $(VENV)/ready
	$(BIN)/python -m recon_lib reconstruct $(DEMO_PHOTO) -o out/demo.glb --upright --preview out/demo.png --report out/demo.json
	@echo "out/demo.glb: open it in any viewer; out/demo.png: what each stage saw"

# a process for each core, and one thread in each
test: export OMP_NUM_THREADS = 1
test: $(VENV)/ready-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m basedpyright
	$(BIN)/python -m pytest tests -q -n logical --dist worksteal

slow: $(VENV)/ready-dev
	$(BIN)/python -m pytest tests -q -m slow

# pages in docs/models from the cards of the embedded models
cards: $(VENV)/ready
	$(BIN)/python -m recon_lib models --pages docs/models

$(VENV)/ready: requirements.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" || { echo "Python 3.10 or newer is needed: make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV) $$($(PYTHON) -c "import importlib.util as u; print('--system-site-packages' if u.find_spec('torch') else '')")
	$(BIN)/python -c "import torch" 2>/dev/null || $(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "$(TORCH)"
	$(PIP) -r requirements.txt
	@$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/ready-dev: $(VENV)/ready requirements/dev.txt requirements/train.txt
	$(PIP) -r requirements/dev.txt -r requirements/train.txt
	@$(BIN)/python -c "open('$@', 'w').close()"

clean:
	rm -rf $(VENV) out
