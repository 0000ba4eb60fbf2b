"""``python -m autodiff``: the command ``autodiff`` where it is not on the path."""

import sys

from models.cli import main

sys.exit(main())
