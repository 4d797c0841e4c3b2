"""Work beside a gevent worker: what it raises is raised where it was asked for, and printed nowhere."""

from typing import Any

import pytest

from webapp.core import threads


@pytest.mark.parametrize("patched", [True, False])
def test_a_refusal_comes_back_without_noise(patched: bool, monkeypatch: Any, capfd: Any) -> None:
    monkeypatch.setattr(threads.monkey, "is_module_patched", lambda _name: patched)
    assert threads.aside(divmod, 7, 2) == (3, 1)
    with pytest.raises(ValueError, match="invalid literal"):
        threads.aside(int, "x")
    assert "Traceback" not in "".join(capfd.readouterr())
