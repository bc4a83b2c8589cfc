"""Which metrics and labels an expression uses, by a real parser of PromQL."""

from collections import defaultdict
from collections.abc import Callable

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Expr, VectorSelector


def names_in(expression: str) -> set[str]:
    """Return the names of the metrics."""
    return set(labels_in(expression))


def labels_in(expression: str) -> dict[str, set[str]]:
    """Return the labels that are asked of each metric: in its selector, and where it is grouped or joined."""
    found: dict[str, set[str]] = defaultdict(set)

    def visit(node: Expr) -> None:
        if isinstance(node, VectorSelector) and node.name:
            found[node.name] |= {matcher.name for matcher in node.matchers.matchers}
        for name in _named_below(node) if _asked_of(node) else ():
            found[name] |= set(_asked_of(node))

    _walk(promql_parser.parse(expression), visit)
    return dict(found)


def _asked_of(node: Expr) -> list[str]:
    if isinstance(node, AggregateExpr):
        return node.modifier.labels if node.modifier else []
    if isinstance(node, BinaryExpr) and node.modifier and node.modifier.matching:
        return node.modifier.matching.labels
    return []


def _named_below(node: Expr) -> set[str]:
    found: set[str] = set()

    def visit(below: Expr) -> None:
        if isinstance(below, VectorSelector) and below.name:
            found.add(below.name)

    _walk(node, visit)
    return found


def _walk(node: Expr, visit: Callable[[Expr], None]) -> None:
    def go_on(below: Expr) -> None:
        visit(below)

    promql_parser.walk(node, go_on)
