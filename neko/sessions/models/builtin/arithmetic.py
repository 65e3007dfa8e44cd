"""Small sums, exactly and safely: an expression is parsed, checked node by node, and never run."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from fractions import Fraction

_LONGEST = 120
_DEEPEST = 24
_MOST_BITS = 200
_MOST_POWER = 256


class SumTooLargeError(ArithmeticError):
    """The expression or its result is beyond what a small sum may be."""


_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(expression: str) -> Fraction:
    """The value of numbers joined by ``+ - * / **`` and brackets.

    Raises ``ValueError`` for anything else, ``ZeroDivisionError``, ``SumTooLargeError``.
    """
    if len(expression) > _LONGEST:
        raise SumTooLargeError
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("not a sum") from error
    return _value(tree.body, expression.strip(), _DEEPEST)


def in_words(value: Fraction) -> tuple[str, bool]:
    """The number in decimal digits, and whether these are exact."""
    if value.denominator == 1:
        return str(value.numerator), True
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    digits = f"{float(value):.10g}"
    exact = rest == 1 and "e" not in digits and Fraction(digits) == value
    return (digits, True) if exact else (f"{float(value):.6g}", False)


def _value(node: ast.expr, source: str, depth: int) -> Fraction:
    if depth == 0:
        raise SumTooLargeError
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return _bounded(Fraction(ast.get_source_segment(source, node) or "0"))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, source, depth - 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, source, depth - 1)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left, source, depth - 1), _value(right, source, depth - 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left, source, depth - 1), _value(right, source, depth - 1)))
    raise ValueError("not a sum")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ValueError("only whole powers")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) > _MOST_POWER or size * abs(exponent.numerator) > 2 * _MOST_BITS:
        raise SumTooLargeError
    return _bounded(base**exponent.numerator)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise SumTooLargeError
    return value
