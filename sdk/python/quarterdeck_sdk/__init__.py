"""Write policies for Quarterdeck in Python.

Start with the module of your kind: `approver`, `distributor`, `progress_parser` or
`recovery`. In a component the interface's types come with it; in a test, where there is
none, they come from the folder `stubs`.
"""

import os.path
import sys

try:
    import wit_world  # noqa: F401
except ModuleNotFoundError:
    sys.path.append(os.path.join(os.path.dirname(__file__), "stubs"))
