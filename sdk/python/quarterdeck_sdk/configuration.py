"""The sidecar's `[config]`, as a dataclass of the policy's own."""

import dataclasses
import json
import typing
from typing import Any, Callable, Generic, TypeVar

from componentize_py_types import Err

C = TypeVar("C")
P = TypeVar("P")

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list", dict: "a table"}


@dataclasses.dataclass
class NoConfig:
    """The configuration of a policy that has none."""


class Configured(Generic[P]):
    """A policy, once `configure` has made it."""

    def __init__(self, make: Callable[[C], P], config: type[C]) -> None:
        self._make = make
        self._config = config
        self._policy: P | None = None

    def configure(self, text: str) -> None:
        """Makes the policy; what is wrong is raised as the text that the sidecar's author reads."""
        try:
            self._policy = self._make(read(self._config, json.loads(text)))
        except ValueError as error:
            raise Err(str(error)) from None

    @property
    def policy(self) -> P:
        """The policy. The host promises to configure before it asks."""
        assert self._policy is not None, "the host configures a policy before it asks"
        return self._policy

    def interface(self) -> type:
        """The class that the component exports as `configuration`."""
        configured = self

        class Configuration:
            def configure(self, config: str) -> None:
                configured.configure(config)

        return Configuration


def read(config: type[C], given: dict[str, Any]) -> C:
    """`given` as a `config`: the key `allow-lease` is the field `allow_lease`."""
    hints = typing.get_type_hints(config)
    fields = {field.name.replace("_", "-"): field for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    values = {}
    for key, value in given.items():
        if key not in fields:
            known = ", ".join(f"`{name}`" for name in fields)
            raise ValueError(f"unknown key `{key}`; " + (f"there is {known}" if known else "this policy has no configuration"))
        name = fields[key].name
        wanted = typing.get_origin(hints[name]) or hints[name]
        if type(value) is int and wanted is float:
            value = float(value)
        if type(value) is not wanted:
            raise ValueError(f"`{key}` has to be {_NAMES.get(wanted, wanted)}, not {_NAMES.get(type(value), 'nothing')}")
        values[name] = value
    for key, field in fields.items():
        if key not in given and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"`{key}` is missing")
    return config(**values)
