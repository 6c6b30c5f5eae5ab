"""Holds an answer to a shape as the documents write it: a TypeScript object type.

    Shape("{ sessionId: string; status: 'active' | 'idle'; tags?: string[] }").holds(answer)

Fields beyond those of the shape are allowed: clients overlook what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

TOKEN = re.compile(r"\s*(?://[^\n]*)?\s*('[^']*'|[A-Za-z_]\w*|\[\]|[{}\[\]<>|?:;,])")

Check = Callable[[Any, str], Iterator[str]]
"""What is wrong with a value, which goes by a path."""


class Shape:
    """One type."""

    def __init__(self, text: str) -> None:
        self._tokens = TOKEN.findall(text)
        self._check = self._union()
        assert not self._tokens, f"what follows the type: {self._tokens}"

    def holds(self, value: Any) -> Any:
        """Fails with all that is wrong, or gives the value back."""
        wrong = list(self._check(value, "it"))
        assert not wrong, f"{wrong} in {value}"
        return value

    def _take(self, *expected: str) -> str:
        token = self._tokens.pop(0)
        assert not expected or token in expected, f"{token!r} in place of {expected}"
        return token

    def _union(self) -> Check:
        choices = [self._one()]
        while self._tokens[:1] == ["|"]:
            self._take("|")
            choices.append(self._one())
        if len(choices) == 1:
            return choices[0]

        def check(value: Any, path: str) -> Iterator[str]:
            if all(any(choice(value, path)) for choice in choices):
                yield f"{path} is {value!r}"

        return check

    def _one(self) -> Check:
        token = self._take()
        if token == "{":
            check = self._object()
        elif token == "Array":
            self._take("<")
            check = _array(self._union())
            self._take(">")
        elif token.startswith("'"):
            check = _exactly(token[1:-1])
        else:
            check = _simple(token)
        while self._tokens[:1] == ["[]"]:
            self._take()
            check = _array(check)
        return check

    def _object(self) -> Check:
        fields: dict[str, tuple[bool, Check]] = {}
        while (token := self._take()) != "}":
            if token == "[":  # An index signature: any other field.
                while self._take() != "]":
                    pass
                name = "*"
            else:
                name = token
            optional = self._tokens[0] == "?" and bool(self._take())
            self._take(":")
            fields[name] = (optional, self._union())
            if self._tokens[0] in ";,":
                self._take()
        return _fields(fields)


def _fields(fields: dict[str, tuple[bool, Check]]) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path} is no object but {value!r}"
            return
        for name, (optional, one) in fields.items():
            if name == "*":
                for other in value.keys() - fields.keys():
                    yield from one(value[other], f"{path}.{other}")
            elif name in value:
                yield from one(value[name], f"{path}.{name}")
            elif not optional:
                yield f"{path}.{name} is missing"

    return check


def _array(one: Check) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path} is no array but {value!r}"
            return
        for number, item in enumerate(value):
            yield from one(item, f"{path}[{number}]")

    return check


def _exactly(word: str) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if value != word:
            yield f"{path} is {value!r}"

    return check


def _simple(name: str) -> Check:
    matches: dict[str, Callable[[Any], bool]] = {
        "string": lambda value: isinstance(value, str),
        "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": lambda value: isinstance(value, bool),
        "null": lambda value: value is None,
        "any": lambda value: True,
        "Timestamp": _is_timestamp,
    }

    def check(value: Any, path: str) -> Iterator[str]:
        if not matches[name](value):
            yield f"{path} is no {name} but {value!r}"

    return check


def _is_timestamp(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False
