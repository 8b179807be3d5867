"""How the parts of the compiled walk are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba as nb

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Any = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
helper = cast(Callable[[F], F], nb.njit(**_OPTIONS))
"""For functions that only compiled code calls: no wrapper for Python is compiled, half the time."""
