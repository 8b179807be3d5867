"""Owner of xgboost: loads it when trees are grown, and without scikit-learn.

Nobody here uses its classes in the style of scikit-learn, and to load that library for them takes
five times as long as all the rest; xgboost does without where it is not installed.
"""

import sys
from typing import Any


def load_xgboost() -> Any:
    """The module `xgboost`."""
    is_first = "xgboost" not in sys.modules and "sklearn" not in sys.modules
    if is_first:
        sys.modules["sklearn"] = None  # type: ignore[assignment] # as if it were not installed
    try:
        import xgboost
    finally:
        if is_first:
            del sys.modules["sklearn"]
    return xgboost
