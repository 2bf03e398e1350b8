"""Do the models compute where they are asked to: on the accelerator where there is one, else on a pretended one?

The pretended one keeps its tensors in main memory but lets them behave as an accelerator's do: they do not turn into
numpy arrays unasked and do not mix with tensors elsewhere. So code that would fail on a real one fails here.
"""

from contextlib import contextmanager

import botorch.utils.objective
import numpy as np
import pandas as pd
import pytest
import torch
from torch.overrides import TorchFunctionMode

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer

ACCELERATOR = torch.device("cuda")
IS_REAL = torch.cuda.is_available()
# These take positions and masks from anywhere.
INDEXING = (torch.Tensor.__getitem__, torch.Tensor.__setitem__)
SPACE = DesignSpace((Categorical("level", tuple("abcd")), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))


class OnAccelerator(torch.Tensor):
    """A tensor that pretends to lie in an accelerator's memory."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func == torch.Tensor.device.__get__:
            return ACCELERATOR
        if func is torch.Tensor.__array__ or (func is torch.Tensor.numpy and not kwargs.get("force")):
            raise TypeError("can't convert an accelerator's tensor to numpy")
        is_elsewhere = any(type(one) is torch.Tensor and one.dim() for one in tensors((args, kwargs)))
        if is_elsewhere and func not in INDEXING:
            raise RuntimeError(f"{func}: expected all tensors to be on the same device")
        return super().__torch_function__(func, types, args, kwargs)

    def __deepcopy__(self, memo):
        return self.clone()


class PretendedAccelerator(TorchFunctionMode):
    """Makes and moves the tensors of an accelerator that is not there."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.to:
            device, dtype, *_ = destination(*args[1:], **kwargs)
            kind = OnAccelerator if device == ACCELERATOR else torch.Tensor
            moved = args[0] if device is None else args[0].as_subclass(kind)
            return moved if dtype is None else moved.type(dtype)
        if kwargs.get("device") is not None and torch.device(kwargs["device"]) == ACCELERATOR:
            del kwargs["device"]
            args = [one.item() if isinstance(one, OnAccelerator) and not one.dim() else one for one in args]
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **kwargs).as_subclass(OnAccelerator)
        return func(*args, **kwargs)


read_destination = torch._C._nn._parse_to


def destination(*args, **kwargs):
    """Read what `to` was called with; torch itself asks a tensor where it lies in a way that no class can answer."""
    with torch._C.DisableTorchFunction():
        device, *others = read_destination(*args, **kwargs)
    return (args[0].device if args and isinstance(args[0], torch.Tensor) else device, *others)


def tensors(values):
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list, dict)):
            yield from tensors(value)


@contextmanager
def accelerator():
    """Let an accelerator be there."""
    if IS_REAL:
        yield
        return
    with pytest.MonkeyPatch.context() as patch, PretendedAccelerator():
        patch.setattr(torch._C._nn, "_parse_to", destination)
        # It asks whether a tensor is exactly a Tensor.
        patch.setattr(botorch.utils.objective, "Tensor", OnAccelerator)
        yield


def observed(n: int) -> pd.DataFrame:
    """Cells of which some failed, some are limits, some have known errors, some fell, and none is at an end of y."""
    rng = np.random.default_rng(4)
    x, y = rng.random(n), rng.uniform(0.26, 0.74, n)
    level = rng.choice(list("abcd"), n)
    fell = x + y > 1.3
    gain = 3.0 - (x - 0.4) ** 2 - 2.0 * (y - 0.6) ** 2 + (level == "b") - 4.0 * fell + 0.02 * rng.normal(size=n)
    return pd.DataFrame({
        "level": level, "x": x, "y": y, "gain": gain, "gain_sem": np.where(np.arange(n) % 3 == 0, 0.05, np.nan),
        "cost": x + 0.2 * (level == "c"), "life": np.exp(3.0 + gain), "life_censored": np.arange(n) % 5 == 0,
        "works": (x - y < 0.5) * 1.0, "rest": x * y, "seed_cost_usd_m2": 0.0,
        "status": np.where(np.arange(n) % 11 == 10, "failed", "completed"),
    })  # fmt: skip


def answers(wishes: dict, device: str) -> dict[str, object]:
    optimizer = Optimizer(SPACE, seed=1, device=device, **wishes)
    optimizer.tell(observed(22))
    designs = optimizer.ask(3)
    return {
        "predictions": optimizer.predict(observed(6)),
        "effects": optimizer.effects(),
        "left out": optimizer.leave_one_out(),
        "importance": optimizer.importance(),
        "levels": optimizer.level_map("level"),
        "designs": designs,
        "explanations": [str(one) for one in optimizer.explain(designs)],
        "advice": str(optimizer.stop_advice(2)),
    }


WISHES = {
    "one objective": {"objectives": [Objective("gain")]},
    "a target": {"objectives": [Objective("gain", "target", target=3.5)]},
    "two objectives, a limit and a pass/fail outcome": {
        "objectives": [Objective("gain"), Objective("cost", "minimize")],
        "constraints": [OutcomeConstraint("rest", at_most=0.4), OutcomeConstraint("works", at_least=0.5)],
        "binary_outcomes": ["works"],
    },
    "lives of which some are limits": {"objectives": [Objective("life")], "log_outcomes": ["life"]},
    "one best cell": {
        "objectives": [Objective("gain", threshold=0.0, ideal=4.0), Objective("cost", "minimize", 1.2, ideal=0.1)],
        "combine": "desirability",
    },
    "a price": {"objectives": [Objective("gain"), Objective("seed_cost_usd_m2", "minimize")]},
    "five objectives": {"objectives": [Objective(name) for name in ("gain", "cost", "life", "rest", "works")]},
    "prior data": {"objectives": [Objective("gain"), Objective("rest")], "prior_data": observed(30)},
}


@pytest.mark.parametrize("wishes", WISHES.values(), ids=WISHES)
def test_an_accelerator_says_what_the_processor_says(wishes):
    expected = answers(wishes, "cpu")
    with accelerator():
        given = answers(wishes, ACCELERATOR.type)
    for table in ("predictions", "effects", "left out", "importance", "levels"):
        pd.testing.assert_frame_equal(given[table], expected[table], rtol=1e-5, atol=1e-7)
    # Nothing was given up on, such as BoTorch's last word.
    assert given["designs"].attrs["notes"] == expected["designs"].attrs["notes"]
    assert len(given["designs"].drop_duplicates()) == 3
    if not IS_REAL:
        # The arithmetic is the same, so all the rest is too; a real one rounds otherwise.
        pd.testing.assert_frame_equal(given["designs"], expected["designs"])
        assert given["explanations"] == expected["explanations"]
        assert given["advice"] == expected["advice"]


def test_tensors_of_two_devices_do_not_mix():
    with accelerator():
        there = torch.ones(2, device=ACCELERATOR)
        with pytest.raises(RuntimeError, match="same device"):
            there + torch.ones(2)
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        assert there.numpy(force=True).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["warp", "cuda:99", "meta"])
def test_a_device_that_cannot_compute_is_refused_with_those_there_are(name):
    with pytest.raises(StrategyError, match=rf"cannot compute on the device '{name}' .*Here are: cpu"):
        Optimizer(SPACE, [Objective("gain")], device=name)
