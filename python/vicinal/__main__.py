"""``python -m vicinal`` is the command ``vicinal``."""

import sys

from vicinal.cli import main

sys.exit(main())
