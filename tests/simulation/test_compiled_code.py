"""Whether compiled code is reused only for the functions it was compiled from."""

from __future__ import annotations

import pytest

from afssb_opt.simulation import kernel, model, physics


def test_the_stamp_of_compiled_code_is_stable_and_changes_with_a_constant_or_a_law(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stamp = kernel.code_stamp()
    assert kernel.code_stamp() == stamp
    with monkeypatch.context() as patch:
        patch.setattr(physics, "PENETRATION_EXPONENT", 2.6)
        assert kernel.code_stamp() != stamp
    with monkeypatch.context() as patch:
        patch.setattr(model.resistance_of, "py_func", model.pressure_of.py_func)
        assert kernel.code_stamp() != stamp
    assert kernel.code_stamp() == stamp
