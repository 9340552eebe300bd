"""`python -m recon_lib`."""

from .cli import main

raise SystemExit(main())
