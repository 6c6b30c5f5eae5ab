import unittest

from policy import Configuration, Parser
from quarterdeck_sdk.progress_parser import Piece_Text


class Percentages(unittest.TestCase):
    def test_a_percentage_is_read_even_if_it_is_cut(self) -> None:
        Configuration().configure("{}")
        parser = Parser(None)
        self.assertEqual(parser.feed([Piece_Text("copying 4")]), [])
        (update,) = parser.feed([Piece_Text("2%\r")])
        self.assertEqual((update.label, update.percent), ("copying", 42.0))
        self.assertEqual(parser.feed([Piece_Text("100% sure\n 300%\n")]), [])
