import unittest
from types import SimpleNamespace

from policy import Configuration, Recover
from quarterdeck_sdk.recovery import Action_GiveUp, Action_Restart


class Attempts(unittest.TestCase):
    def test_it_gives_up_in_the_end(self) -> None:
        Configuration().configure("{}")
        first, last = SimpleNamespace(attempts=0, max_attempts=3), SimpleNamespace(attempts=3, max_attempts=3)
        self.assertEqual(Recover().decide(first).action, Action_Restart())
        self.assertEqual(Recover().decide(last).action, Action_GiveUp())
