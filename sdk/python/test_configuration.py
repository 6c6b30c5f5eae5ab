"""What a sidecar may say, and how it is told when it is wrong."""

import unittest
from dataclasses import dataclass, field

from quarterdeck_sdk.approver import approver, request_for_test, safe, span_of
from quarterdeck_sdk.configuration import Err, NoConfig, read


@dataclass
class Config:
    name: str
    most_lines: int = 3
    ratio: float = 0.5
    words: list[str] = field(default_factory=list)


class Reading(unittest.TestCase):
    def refusal(self, given: dict[str, object]) -> str:
        with self.assertRaises(ValueError) as raised:
            read(Config, given)
        return str(raised.exception)

    def test_keys_are_fields_and_missing_ones_have_defaults(self) -> None:
        config = read(Config, {"name": "x", "most-lines": 7, "ratio": 1})
        self.assertEqual(config, Config("x", 7, 1.0, []))

    def test_what_is_wrong_is_named(self) -> None:
        self.assertEqual(self.refusal({}), "`name` is missing")
        self.assertEqual(self.refusal({"name": "x", "most-lines": True}), "`most-lines` has to be a whole number, not true or false")
        self.assertIn("unknown key `most_lines`; there is `name`, `most-lines`", self.refusal({"most_lines": 1}))
        with self.assertRaisesRegex(ValueError, "this policy has no configuration"):
            read(NoConfig, {"a": 1})


class Components(unittest.TestCase):
    def test_a_policy_is_made_by_configure_and_a_refusal_raised_as_the_interface_asks(self) -> None:
        class Policy:
            def __init__(self, config: Config) -> None:
                if config.most_lines < 1:
                    raise ValueError("`most-lines` has to be positive")
                self.name = config.name

            def review(self, _request: object) -> object:
                return safe(self.name)

        configuration, approve = approver(Policy, Config)
        configuration().configure('{"name": "x"}')
        self.assertEqual(approve().review(request_for_test("ls")).reason, "x")
        with self.assertRaises(Err) as raised:
            configuration().configure('{"name": "x", "most-lines": 0}')
        self.assertEqual(raised.exception.value, "`most-lines` has to be positive")

    def test_spans_count_bytes(self) -> None:
        span = span_of("é€🚢 push", 4, 8)
        self.assertEqual((span.start, span.end), (10, 14))


if __name__ == "__main__":
    unittest.main()
