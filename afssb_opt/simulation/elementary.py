"""How exponential and logarithm are computed so that the same code runs on one lane or on eight at once.

The library versions are opaque calls that stop the compiler from working on several cells per instruction. These are
branch-free, and every operation is an IEEE one, so a cell gives the same bits alone and in a batch.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

# Adding 1.5 * 2^52 rounds a double to an integer and leaves that integer in its lowest bits.
_ROUNDER = 6755399441055744.0
_ROUNDER_BITS = 0x4338000000000000
_LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first with 21 trailing zero bits, so that k * _LN2_HIGH is exact for every exponent k.
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10
# Beyond this the result leaves the range of a double.
_EXP_LIMIT = 700.0
_MANTISSA_BITS = 0x000FFFFFFFFFFFFF
_ONE_BITS = 0x3FF0000000000000
_SQRT2 = 1.4142135623730951


@intrinsic
def _bits_of(_typing: Any, _value: Any) -> Any:
    """Reinterpret a double as an integer."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _double_of(_typing: Any, _bits: Any) -> Any:
    """Reinterpret an integer as a double."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def fused(_typing: Any, _a: Any, _b: Any, _c: Any) -> Any:
    """Return a * b + c with one rounding: one instruction, and the same bits in a scalar and in a vector."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@njit(forceinline=True, error_model="numpy")
def exp(x: float) -> float:
    """Return e^x with a relative error below 1e-11, clipped where a double ends."""
    x = min(max(x, -_EXP_LIMIT), _EXP_LIMIT)
    shifted = fused(x, _LOG2_E, _ROUNDER)
    k = shifted - _ROUNDER
    r = fused(k, -_LN2_LOW, fused(k, -_LN2_HIGH, x))
    # Taylor series to r^9 on |r| <= ln(2) / 2: the remainder is 7e-12.
    p = fused(r, 1 / 362880, 1 / 40320)
    p = fused(r, p, 1 / 5040)
    p = fused(r, p, 1 / 720)
    p = fused(r, p, 1 / 120)
    p = fused(r, p, 1 / 24)
    p = fused(r, p, 1 / 6)
    p = fused(r, p, 0.5)
    p = fused(r, p, 1.0)
    p = fused(r, p, 1.0)
    power = (_bits_of(shifted) - _ROUNDER_BITS + 1023) << 52
    return p * _double_of(power)


@njit(forceinline=True, error_model="numpy")
def log(x: float) -> float:
    """Return the natural logarithm of a positive normal double, absolute error below 1e-12."""
    bits = _bits_of(x)
    exponent = (bits >> 52) - 1023
    mantissa = _double_of((bits & _MANTISSA_BITS) | _ONE_BITS)
    is_high = mantissa > _SQRT2
    mantissa = 0.5 * mantissa if is_high else mantissa
    k = exponent + 1.0 if is_high else exponent + 0.0
    f = (mantissa - 1.0) / (mantissa + 1.0)
    f2 = f * f
    # atanh series on |f| <= 0.172: the first term left out is 2 f^15 / 15 < 5e-13.
    p = fused(f2, 1 / 13, 1 / 11)
    p = fused(f2, p, 1 / 9)
    p = fused(f2, p, 1 / 7)
    p = fused(f2, p, 1 / 5)
    p = fused(f2, p, 1 / 3)
    p = fused(f2, p, 1.0)
    return fused(k, _LN2_HIGH, fused(k, _LN2_LOW, 2.0 * f * p))
