"""Work that computes for long and leaves the interpreter free: beside a gevent worker, not in its way."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gevent import get_hub, monkey

Values = ParamSpec("Values")
Result = TypeVar("Result")


def aside(work: Callable[Values, Result], *args: Values.args, **kwargs: Values.kwargs) -> Result:
    """Compute in a real thread, which has neither app context nor session; without gevent just compute."""
    if monkey.is_module_patched("socket"):
        found: Result = get_hub().threadpool.apply(work, args, kwargs)
        return found
    return work(*args, **kwargs)
