"""Holds the rule to `cases.toml`."""

import json
import tomllib
import unittest
from pathlib import Path

from policy import Approve, Configuration
from quarterdeck_sdk.approver import request_for_test
from quarterdeck_sdk.configuration import Err

FILE = tomllib.loads((Path(__file__).parent.parent / "cases.toml").read_text())


class Cases(unittest.TestCase):
    def test_every_case_is_judged_as_written(self) -> None:
        for case in FILE["case"]:
            with self.subTest(case["command"]):
                Configuration().configure(json.dumps(case.get("config", {})))
                verdict = Approve().review(request_for_test(case["command"]))
                span = verdict.span
                piece = case["command"].encode()[span.start : span.end].decode() if span else None
                found = (verdict.tier.name.lower(), verdict.rule, piece)
                self.assertEqual(found, (case["tier"], case.get("rule"), case.get("piece")))

    def test_a_wrong_configuration_is_refused_by_name(self) -> None:
        for refused in FILE["refused"]:
            with self.assertRaises(Err) as raised:
                Configuration().configure(json.dumps(refused["config"]))
            self.assertIn(refused["names"], raised.exception.value)


if __name__ == "__main__":
    unittest.main()
