import unittest

from policy import LONGEST_LINE, StepParser
from quarterdeck_sdk.progress_parser import Piece_CommandEnd, Piece_Text, Status, Update


def feed(parser: StepParser, text: str) -> list[Update]:
    return parser.feed([Piece_Text(text)])


class Steps(unittest.TestCase):
    def test_a_step_is_read_however_its_text_is_cut(self) -> None:
        whole = "building\n[1/4] Compiling a.c\r[2/4] Compiling b.c\n"
        expected = feed(StepParser(), whole)
        self.assertEqual([update.percent for update in expected], [25, 50])
        for cut in range(len(whole)):
            parser = StepParser()
            self.assertEqual(feed(parser, whole[:cut]) + feed(parser, whole[cut:]), expected, cut)

    def test_the_end_of_the_command_is_the_end_of_its_progress(self) -> None:
        parser = StepParser()
        feed(parser, "[1/2] Linking\n")
        (update,) = parser.feed([Piece_CommandEnd(1)])
        self.assertEqual(update.status, Status.FAILED)
        self.assertEqual(parser.feed([Piece_CommandEnd(0)]), [])

    def test_a_line_without_end_takes_no_memory_without_end(self) -> None:
        parser = StepParser()
        for _ in range(100):
            self.assertEqual(feed(parser, "é" * 1000), [])
        self.assertLessEqual(len(parser.line), LONGEST_LINE)


if __name__ == "__main__":
    unittest.main()
