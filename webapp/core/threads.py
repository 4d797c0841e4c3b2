"""Work that computes for long and leaves the interpreter free: beside a gevent worker, not in its way."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from gevent import get_hub, monkey

Values = ParamSpec("Values")
Result = TypeVar("Result")


def aside(work: Callable[Values, Result], *args: Values.args, **kwargs: Values.kwargs) -> Result:
    """Compute in a real thread, which has neither app context nor session; without gevent just compute."""
    if not monkey.is_module_patched("socket"):
        return work(*args, **kwargs)

    def caught() -> tuple[Result | None, Exception | None]:
        # What is raised in a thread gevent prints as it is; here it is raised where somebody may expect it.
        try:
            return work(*args, **kwargs), None
        except Exception as error:
            return None, error

    found, error = get_hub().threadpool.apply(caught)
    if error is not None:
        raise error
    return cast("Result", found)
