import unittest

from policy import Approve, Configuration
from quarterdeck_sdk.approver import Span, Tier, request_for_test


class Rule(unittest.TestCase):
    def test_the_word_is_looked_at(self) -> None:
        Configuration().configure("{}")
        self.assertEqual(Approve().review(request_for_test("ls")).tier, Tier.SAFE)
        verdict = Approve().review(request_for_test("make deploy"))
        self.assertEqual((verdict.tier, verdict.span), (Tier.REVIEW, Span(5, 11)))
