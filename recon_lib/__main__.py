"""`python -m recon_lib`."""

import gc

# a command ends before cycles cost memory, and looking for them while packages are imported costs a quarter of a second
gc.set_threshold(100_000, 20, 20)

from .cli import main  # noqa: E402

raise SystemExit(main())
